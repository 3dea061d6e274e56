// Package trustbundle keeps the trust bundle of the local trust domain up to
// date (Teleport lib/tbot/workloadidentity/trust_bundle_cache.go). Federation is
// not played, so there are no other bundles.
package trustbundle

import (
	"context"
	"crypto/x509"
	"log/slog"
	"sync"
	"time"

	"github.com/gravitational/trace"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
)

// ServiceName is how /readyz calls the service.
const ServiceName = "spiffe-trust-bundle-cache"

// backoff is the pause between a failed or broken watch and the next.
const backoff = 10 * time.Second

// Bundle is one state of the trust bundle.
type Bundle struct {
	Local *x509bundle.Bundle
	stale chan struct{}
}

// Stale is closed when another bundle has replaced this one. The other one may
// be equal: see Cache.
func (b *Bundle) Stale() <-chan struct{} { return b.stale }

// Watch is an open watch on the auth server's events.
type Watch interface {
	// Next blocks until the bundle may have changed, or the watch is broken.
	Next() (authapi.BundleResponse, error)
	Close()
}

// AuthServer is where the bundle comes from.
type AuthServer struct {
	// Watch opens a watch; it returns once the server has confirmed it.
	Watch func(ctx context.Context) (Watch, error)
	// Bundle asks for the bundle as it is now.
	Bundle func(ctx context.Context) (authapi.BundleResponse, error)
}

// Cache holds the newest bundle.
//
// An event of the watch replaces the bundle only if it differs. But each time
// the watch is opened again the bundle is replaced and the old one becomes stale,
// also by an equal one: so every break of the connection to Teleport reaches
// every stream of every sidecar.
type Cache struct {
	server AuthServer
	report readiness.Report
	log    *slog.Logger

	ready   chan struct{}
	mu      sync.Mutex
	current *Bundle
}

// New returns a cache that is empty until Run has opened a watch.
func New(server AuthServer, report readiness.Report, log *slog.Logger) *Cache {
	return &Cache{server: server, report: report, log: log, ready: make(chan struct{})}
}

// Get returns the newest bundle. It blocks until there is a first one, so no
// stream is answered while the auth server can't be reached at the start.
func (c *Cache) Get(ctx context.Context) (*Bundle, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ready:
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current, nil
}

// Run keeps the bundle fresh until ctx ends. While the server can't be reached
// the last good bundle stays.
func (c *Cache) Run(ctx context.Context) {
	for {
		c.log.Info("Initializing cache")
		err := c.watch(ctx)
		if ctx.Err() != nil {
			return
		}
		c.log.Error("Cache failed, will attempt to re-initialize after back off", "error", err, "backoff", backoff)
		c.report(readiness.Unhealthy, err.Error())
		select {
		case <-ctx.Done():
			return
		case <-time.After(backoff):
		}
	}
}

// watch returns when the watch is broken.
func (c *Cache) watch(ctx context.Context) error {
	watch, err := c.server.Watch(ctx)
	if err != nil {
		return trace.Wrap(err, "establishing watcher")
	}
	defer watch.Close()
	c.report(readiness.Healthy, "")
	initial, err := c.server.Bundle(ctx)
	if err != nil {
		return trace.Wrap(err, "fetching initial bundle set")
	}
	local, err := parse(initial)
	if err != nil {
		return trace.Wrap(err, "fetching initial bundle set")
	}
	c.replace(local)
	c.log.Info("Successfully initialized trust bundle cache")
	for {
		changed, err := watch.Next()
		if err != nil {
			return trace.Wrap(err, "watcher closed")
		}
		c.process(changed)
	}
}

// process handles one event. A bundle that can't be read is left aside: the last
// good one is better than none.
func (c *Cache) process(changed authapi.BundleResponse) {
	local, err := parse(changed)
	if err != nil {
		c.log.Warn("Failed to convert CA to trust bundle", "type", authapi.AuthoritySPIFFE, "error", err)
		return
	}
	if c.current.Local.Equal(local) {
		c.log.Debug("Event resulted in no change to local trust bundle, ignoring")
		return
	}
	c.log.Info("Processed update for trust bundle",
		"type", authapi.AuthoritySPIFFE, "x509_authorities", len(local.X509Authorities()))
	c.replace(local)
}

// replace makes the old bundle stale, whether or not the new one differs.
func (c *Cache) replace(local *x509bundle.Bundle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	old := c.current
	c.current = &Bundle{Local: local, stale: make(chan struct{})}
	if old == nil {
		close(c.ready)
		return
	}
	close(old.stale)
}

func parse(response authapi.BundleResponse) (*x509bundle.Bundle, error) {
	domain, err := spiffeid.TrustDomainFromString(response.TrustDomain)
	if err != nil {
		return nil, trace.Wrap(err, "parsing trust domain name")
	}
	bundle := x509bundle.New(domain)
	for _, der := range response.X509Authorities {
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, trace.Wrap(err, "parsing cert")
		}
		bundle.AddX509Authority(certificate)
	}
	return bundle, nil
}
