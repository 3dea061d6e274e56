// Package workloadapi is tbot's service workload-identity-api: the SPIFFE
// Workload API and Envoy's SDS on one listener (Teleport
// lib/tbot/services/workloadidentity/workload_api.go).
package workloadapi

import (
	"context"
	"log/slog"
	"os"
	"time"

	secret "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"github.com/gravitational/trace"
	grpcmetrics "github.com/grpc-ecosystem/go-grpc-middleware/providers/prometheus"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/tbot/attestation"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
	"istio-teleport/lab/go/teleport-double/internal/tbot/listener"
	"istio-teleport/lab/go/teleport-double/internal/tbot/peercred"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
	"istio-teleport/lab/go/teleport-double/internal/tbot/sds"
	"istio-teleport/lab/go/teleport-double/internal/tbot/svids"
	"istio-teleport/lab/go/teleport-double/internal/tbot/trustbundle"
)

// serverMetrics are the gRPC metrics of all services of the process, with the
// label that Teleport puts on them.
var serverMetrics = func() *grpcmetrics.ServerMetrics {
	labels := prometheus.Labels{"server": "tbot-workload-identity-api"}
	metrics := grpcmetrics.NewServerMetrics(
		grpcmetrics.WithServerCounterOptions(grpcmetrics.WithConstLabels(labels)),
		grpcmetrics.WithServerHandlingTimeHistogram(grpcmetrics.WithHistogramConstLabels(labels)),
	)
	prometheus.MustRegister(metrics)
	return metrics
}()

// Service is one configured workload-identity-api. FetchJWTSVID, FetchJWTBundles
// and ValidateJWTSVID answer Unimplemented: the double issues no JWT-SVIDs.
type Service struct {
	workload.UnimplementedSpiffeWorkloadAPIServer

	config *config.WorkloadAPI
	// callerPID is peercred.FromContext but in tests.
	callerPID func(ctx context.Context) (pid int, ok bool)
	attestor  attestor
	issuer    svids.Issuer
	renewal   time.Duration
	ready     <-chan struct{}
	bundles   *trustbundle.Cache
	report    readiness.Report
	log       *slog.Logger
}

type attestor interface {
	Attest(ctx context.Context, pid int) (*attribute.Workload, error)
}

// Dependencies are the parts of tbot that a service works with.
type Dependencies struct {
	// Lifetime applies where the service has no pair of its own.
	Lifetime config.Lifetime
	Bundles  *trustbundle.Cache
	// Suite asks Teleport for its signature algorithm suite.
	Suite func(ctx context.Context) (string, error)
	// Ready is closed when Issue has a credential to work with.
	Ready  <-chan struct{}
	Issue  func(ctx context.Context, request authapi.IssueRequest) (authapi.IssueResponse, error)
	Report readiness.Report
	Log    *slog.Logger
}

// New returns a service that does not listen yet.
func New(c *config.WorkloadAPI, d Dependencies) *Service {
	lifetime := c.Lifetime.Or(d.Lifetime)
	log := d.Log.With("service", c.Name)
	return &Service{
		config:    c,
		callerPID: peercred.FromContext,
		attestor:  attestation.New(c.Attestors, os.Getenv, log),
		issuer:    svids.Issuer{Selector: c.Selector, TTL: lifetime.TTL, Suite: d.Suite, Issue: d.Issue},
		renewal:   lifetime.RenewalInterval,
		ready:     d.Ready,
		bundles:   d.Bundles,
		report:    d.Report,
		log:       log,
	}
}

// credentialPatience is how long a service waits for its credential.
const credentialPatience = 10 * time.Second

// Run waits for the service's credential, then listens and serves until ctx ends.
// Without a credential it fails, which ends tbot: a missing role, a bot without
// roles or a slow auth server show as that. The service counts as healthy once it
// listens; that requests fail does not show in /readyz.
func (s *Service) Run(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-time.After(credentialPatience):
		return trace.BadParameter("timeout waiting for identity to be ready")
	case <-s.ready:
	}
	opened, err := listener.Open(s.config.Listen, s.log)
	if err != nil {
		return trace.Wrap(err, "creating listener")
	}
	s.log.Info("Listener opened for Workload API endpoint", "addr", opened.Addr().String())
	if opened.Addr().Network() == "tcp" {
		s.log.Warn("Workload API endpoint listening on a TCP port. Ensure that only intended hosts can reach this port!")
	}
	server := s.Server()
	stop := context.AfterFunc(ctx, server.Stop)
	defer stop()
	s.report(readiness.Healthy, "")
	if err := server.Serve(opened); err != nil {
		s.report(readiness.Unhealthy, err.Error())
		return trace.Wrap(err)
	}
	return nil
}

// Server returns the gRPC server with both APIs.
func (s *Service) Server() *grpc.Server {
	server := grpc.NewServer(
		grpc.Creds(peercred.TransportCredentials{TransportCredentials: insecure.NewCredentials()}),
		grpc.UnaryInterceptor(serverMetrics.UnaryServerInterceptor()),
		grpc.StreamInterceptor(serverMetrics.StreamServerInterceptor()),
	)
	workload.RegisterSpiffeWorkloadAPIServer(server, s)
	secret.RegisterSecretDiscoveryServiceServer(server, &sds.Handler{
		Bundle:          s.bundles.Get,
		RenewalInterval: s.renewal,
		Authenticate: func(ctx context.Context) (*slog.Logger, sds.FetchSVIDs, error) {
			log, attested := s.authenticate(ctx)
			return log, func(ctx context.Context, bundle *x509bundle.Bundle) ([]*workload.X509SVID, error) {
				return s.issuer.Fetch(ctx, attested, bundle, log)
			}, nil
		},
	})
	return server
}

// authenticate attests the caller. It never refuses: a caller over TCP, one
// whose PID is 0 (another PID namespace, no hostPID) and one that can't be
// attested continue without attributes, and it is the server's rules and templates
// that decide.
func (s *Service) authenticate(ctx context.Context) (*slog.Logger, *attribute.Workload) {
	pid, ok := s.callerPID(ctx)
	if !ok {
		return s.log, nil
	}
	if pid == 0 {
		s.log.Debug("Failed to determine the PID of the calling workload. TBot may be running in a different process namespace to the workload. Workload attestation will not be completed.")
		return s.log, nil
	}
	attested, err := s.attestor.Attest(ctx, pid)
	if err != nil {
		s.log.Error("Workload attestation failed", "error", err, "pid", pid)
		return s.log, nil
	}
	return s.log.With("workload", attested), attested
}

// FetchX509SVID streams SVIDs and renews them. The header workload.spiffe.io is
// not asked for, as in tbot.
func (s *Service) FetchX509SVID(_ *workload.X509SVIDRequest, server workload.SpiffeWorkloadAPI_FetchX509SVIDServer) error {
	ctx := server.Context()
	log, attested := s.authenticate(ctx)
	log.Info("FetchX509SVID stream opened by workload")
	err := s.streamSVIDs(ctx, log, attested, server)
	if err != nil {
		log.Error("FetchX509SVID stream closed with error", "err", err)
		return err
	}
	log.Info("FetchX509SVID stream has closed")
	return nil
}

func (s *Service) streamSVIDs(ctx context.Context, log *slog.Logger, attested *attribute.Workload, server workload.SpiffeWorkloadAPI_FetchX509SVIDServer) error {
	bundle, err := s.bundles.Get(ctx)
	if err != nil {
		return trace.Wrap(err, "fetching trust bundle set from cache")
	}
	renewal := time.NewTimer(s.renewal)
	defer renewal.Stop()
	var issued []*workload.X509SVID
	for {
		// Unlike in SDS, only a new SVID restarts the timer (PR 56626).
		if issued == nil {
			if issued, err = s.issuer.Fetch(ctx, attested, bundle.Local, log); err != nil {
				return trace.Wrap(err)
			}
			renewal.Reset(s.renewal)
			if len(issued) == 0 {
				log.Error("Workload did not pass attestation for any SVIDs")
				return status.Error(codes.PermissionDenied, "workload did not pass attestation for any SVIDs")
			}
		}
		if err := server.Send(&workload.X509SVIDResponse{Svids: issued}); err != nil {
			return trace.Wrap(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-renewal.C:
			issued = nil
		case <-bundle.Stale():
			newer, err := s.bundles.Get(ctx)
			if err != nil {
				return trace.Wrap(err)
			}
			if !newer.Local.Equal(bundle.Local) {
				issued = nil
			}
			bundle = newer
		}
	}
}

// FetchX509Bundles streams the trust bundle. It needs no attestation.
func (s *Service) FetchX509Bundles(_ *workload.X509BundlesRequest, server workload.SpiffeWorkloadAPI_FetchX509BundlesServer) error {
	ctx := server.Context()
	for {
		bundle, err := s.bundles.Get(ctx)
		if err != nil {
			return trace.Wrap(err, "fetching trust bundle set from cache")
		}
		response := &workload.X509BundlesResponse{
			Bundles: map[string][]byte{bundle.Local.TrustDomain().IDString(): svids.MarshalBundle(bundle.Local)},
		}
		if err := server.Send(response); err != nil {
			return trace.Wrap(err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-bundle.Stale():
		}
	}
}
