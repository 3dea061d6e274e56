// Package process runs all of tbot for one configuration.
package process

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/tbot/clientcredential"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
	"istio-teleport/lab/go/teleport-double/internal/tbot/diagnostics"
	"istio-teleport/lab/go/teleport-double/internal/tbot/identity"
	"istio-teleport/lab/go/teleport-double/internal/tbot/idlewatch"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
	"istio-teleport/lab/go/teleport-double/internal/tbot/taskloop"
	"istio-teleport/lab/go/teleport-double/internal/tbot/trustbundle"
	"istio-teleport/lab/go/teleport-double/internal/tbot/workloadapi"
)

const (
	heartbeatName       = "heartbeat"
	heartbeatInterval   = 30 * time.Minute
	heartbeatRetryLimit = 5
	// heartbeatPatience is how long the first heartbeat waits for the services.
	heartbeatPatience = 30 * time.Second
)

// Run joins, and then serves until ctx ends or a service fails. Nothing listens
// before the first join has worked, the diagnostics included.
func Run(ctx context.Context, c *config.Config, log *slog.Logger) error {
	registry := readiness.NewRegistry()
	bot, err := identity.New(c, registry.Add(identity.ServiceName), log)
	if err != nil {
		return err
	}
	reportHeartbeat := registry.Add(heartbeatName)
	openWatch := func(ctx context.Context) (trustbundle.Watch, error) { return bot.Client().Watch(ctx) }
	reportRotation, reportRevocations := registry.Add(idlewatch.CARotation), registry.Add(idlewatch.CRLCache)
	bundles := trustbundle.New(trustbundle.AuthServer{
		Watch:  openWatch,
		Bundle: func(ctx context.Context) (authapi.BundleResponse, error) { return bot.Client().Bundle(ctx) },
	}, registry.Add(trustbundle.ServiceName), log)
	var services []*workloadapi.Service
	var credentials []*clientcredential.Service
	for _, service := range c.Services {
		credential := clientcredential.New(bot.Impersonate, c.Lifetime.RenewalInterval, log.With("service", service.Name))
		credentials = append(credentials, credential)
		services = append(services, workloadapi.New(service, workloadapi.Dependencies{
			Lifetime: c.Lifetime,
			Bundles:  bundles,
			Ready:    credential.Ready(),
			Suite: func(ctx context.Context) (string, error) {
				ping, err := credential.Client().Ping(ctx)
				return ping.SignatureAlgorithmSuite, trace.Wrap(err)
			},
			Issue: func(ctx context.Context, request authapi.IssueRequest) (authapi.IssueResponse, error) {
				return credential.Client().Issue(ctx, request)
			},
			Report: registry.Add(service.Name),
			Log:    log,
		}))
	}
	if err := bot.Initialize(ctx); err != nil {
		return err
	}
	g := newGroup(ctx, log)
	g.start("identity", func(ctx context.Context) error { bot.Run(ctx); return nil })
	g.start("trust bundle cache", func(ctx context.Context) error { bundles.Run(ctx); return nil })
	g.start(idlewatch.CARotation, func(ctx context.Context) error {
		idlewatch.RunCARotation(ctx, openWatch, reportRotation, log)
		return nil
	})
	g.start(idlewatch.CRLCache, func(ctx context.Context) error {
		idlewatch.RunCRLCache(ctx, openWatch, reportRevocations, log)
		return nil
	})
	g.start("heartbeat", func(ctx context.Context) error {
		beat(ctx, bot, registry, reportHeartbeat, log)
		return nil
	})
	if c.DiagAddr != "" {
		g.start("diagnostics", func(ctx context.Context) error {
			return diagnostics.Run(ctx, c.DiagAddr, registry, log)
		})
	}
	for i, service := range services {
		g.start(c.Services[i].Name, func(ctx context.Context) error { credentials[i].Run(ctx); return nil })
		g.start(c.Services[i].Name, service.Run)
	}
	return g.wait()
}

// beat sends heartbeats, the first after all services have reported. The double
// of the auth server keeps no record of them.
func beat(ctx context.Context, bot *identity.Service, registry *readiness.Registry, report readiness.Report, log *slog.Logger) {
	report(readiness.Healthy, "")
	select {
	case <-registry.AllReported():
	case <-time.After(heartbeatPatience):
	case <-ctx.Done():
		return
	}
	taskloop.Run(ctx, taskloop.Task{
		Service:    heartbeatName,
		Name:       "submit-heartbeat",
		Interval:   heartbeatInterval,
		RetryLimit: heartbeatRetryLimit,
		RunAtOnce:  true,
		Do: func(ctx context.Context) error {
			_, err := bot.Client().Ping(ctx)
			return trace.Wrap(err, "submitting heartbeat")
		},
		Report: report,
		Log:    log,
	})
}

// group runs functions until one fails or the context ends.
type group struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	done   sync.WaitGroup
	log    *slog.Logger
}

func newGroup(parent context.Context, log *slog.Logger) *group {
	ctx, cancel := context.WithCancelCause(parent)
	return &group{ctx: ctx, cancel: cancel, log: log}
}

func (g *group) start(name string, run func(ctx context.Context) error) {
	g.done.Go(func() {
		if err := run(g.ctx); err != nil {
			g.log.Error("Service exited with error", "service", name, "error", err)
			g.cancel(trace.Wrap(err, "service(%s)", name))
		}
	})
}

// wait returns the first failure, or nil when the parent context ended.
func (g *group) wait() error {
	<-g.ctx.Done()
	g.done.Wait()
	if cause := context.Cause(g.ctx); cause != context.Canceled {
		return cause
	}
	return nil
}
