// Package clientcredential keeps the credential that a service works with: it
// has the bot's roles, while the bot's own credential has none (Teleport
// lib/tbot/services/clientcredentials/service.go).
package clientcredential

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/tbot/authclient"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
	"istio-teleport/lab/go/teleport-double/internal/tbot/taskloop"
)

// The labels of the metrics. All services' credentials have the same.
const (
	serviceName = "client-credential-output"
	taskName    = "output-renewal"
)

// retryLimit is how often one renewal is tried (Teleport
// lib/tbot/internal/constants.go, RenewalRetryLimit).
const retryLimit = 5

// Generate asks for a new credential, and returns a client with it.
type Generate func(ctx context.Context) (*authclient.Client, error)

// Service holds the newest credential.
type Service struct {
	generate Generate
	interval time.Duration
	log      *slog.Logger

	ready   chan struct{}
	mu      sync.Mutex
	current *authclient.Client
}

// New returns a service without a credential. The interval is tbot's, not the
// one of the service that works with the credential.
func New(generate Generate, interval time.Duration, log *slog.Logger) *Service {
	return &Service{generate: generate, interval: interval, log: log, ready: make(chan struct{})}
}

// Ready is closed when the first credential is there.
func (s *Service) Ready() <-chan struct{} { return s.ready }

// Client has the newest credential. It is nil until Ready is closed.
func (s *Service) Client() *authclient.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current
}

// Run asks for the first credential at once and renews it until ctx ends. Of
// failures only the log and the metrics tell: /readyz has no such service.
func (s *Service) Run(ctx context.Context) {
	taskloop.Run(ctx, taskloop.Task{
		Service:    serviceName,
		Name:       taskName,
		Interval:   s.interval,
		RetryLimit: retryLimit,
		RunAtOnce:  true,
		Do:         s.renew,
		Report:     func(readiness.Status, string) {},
		Log:        s.log,
	})
}

func (s *Service) renew(ctx context.Context) error {
	s.log.Info("Generating output")
	client, err := s.generate(ctx)
	if err != nil {
		return trace.Wrap(err, "generating identity")
	}
	s.mu.Lock()
	old := s.current
	s.current = client
	s.mu.Unlock()
	if old == nil {
		close(s.ready)
	} else {
		old.Close()
	}
	return nil
}
