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

// The real cache watches the server's events and starts over 10 s after a
// failure; this one asks.
const (
	pollInterval  = 2 * time.Second
	retryInterval = 10 * time.Second
)

// Bundle is one state of the trust bundle.
type Bundle struct {
	Local *x509bundle.Bundle
	stale chan struct{}
}

// Stale is closed when a newer bundle is there.
func (b *Bundle) Stale() <-chan struct{} { return b.stale }

// Fetch asks the auth server for its bundle.
type Fetch func(ctx context.Context) (authapi.BundleResponse, error)

// Cache holds the newest bundle.
type Cache struct {
	fetch  Fetch
	report readiness.Report
	log    *slog.Logger

	ready   chan struct{}
	mu      sync.Mutex
	current *Bundle
}

// New returns a cache that is empty until Run has fetched once.
func New(fetch Fetch, report readiness.Report, log *slog.Logger) *Cache {
	return &Cache{fetch: fetch, report: report, log: log, ready: make(chan struct{})}
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
		wait := pollInterval
		if err := c.refresh(ctx); err != nil && ctx.Err() == nil {
			c.log.Error("Trust bundle cache failed, will retry", "error", err, "backoff", retryInterval)
			c.report(readiness.Unhealthy, err.Error())
			wait = retryInterval
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (c *Cache) refresh(ctx context.Context) error {
	response, err := c.fetch(ctx)
	if err != nil {
		return trace.Wrap(err, "fetching trust bundle")
	}
	local, err := parse(response)
	if err != nil {
		return err
	}
	c.set(local)
	c.report(readiness.Healthy, "")
	return nil
}

func (c *Cache) set(local *x509bundle.Bundle) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.current == nil {
		c.current = &Bundle{Local: local, stale: make(chan struct{})}
		close(c.ready)
		return
	}
	if c.current.Local.Equal(local) {
		return
	}
	c.log.Info("Trust bundle has changed")
	old := c.current
	c.current = &Bundle{Local: local, stale: make(chan struct{})}
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
			return nil, trace.Wrap(err, "parsing trust bundle")
		}
		bundle.AddX509Authority(certificate)
	}
	return bundle, nil
}
