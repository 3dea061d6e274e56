package sds

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
	"istio-teleport/lab/go/teleport-double/internal/tbot/trustbundle"
)

// watchedCache is a real cache over an auth server whose bundle changes, and
// whose watches break, on demand.
type watchedCache struct {
	get       func(context.Context) (*trustbundle.Bundle, error)
	rotate    func()
	breakOnce func()
}

type watch struct {
	ctx    context.Context
	events chan authapi.BundleResponse
	broken chan struct{}
}

func (w *watch) Next() (authapi.BundleResponse, error) {
	select {
	case event := <-w.events:
		return event, nil
	case <-w.broken:
		return authapi.BundleResponse{}, errors.New("unexpected EOF")
	case <-w.ctx.Done():
		return authapi.BundleResponse{}, w.ctx.Err()
	}
}

func (*watch) Close() {}

func newWatchedCache(t *testing.T) watchedCache {
	t.Helper()
	first := authapi.BundleResponse{TrustDomain: trustDomain, X509Authorities: authorities(newBundle(t))}
	next := authapi.BundleResponse{TrustDomain: trustDomain, X509Authorities: authorities(newBundle(t))}
	w := &watch{ctx: t.Context(), events: make(chan authapi.BundleResponse), broken: make(chan struct{})}
	cache := trustbundle.New(trustbundle.AuthServer{
		Watch:  func(context.Context) (trustbundle.Watch, error) { return w, nil },
		Bundle: func(context.Context) (authapi.BundleResponse, error) { return first, nil },
	}, func(readiness.Status, string) {}, slog.New(slog.DiscardHandler))
	go cache.Run(t.Context())
	return watchedCache{
		get:       cache.Get,
		rotate:    func() { w.events <- next },
		breakOnce: func() { w.broken <- struct{}{} },
	}
}

func authorities(bundle *x509bundle.Bundle) [][]byte {
	var list [][]byte
	for _, certificate := range bundle.X509Authorities() {
		list = append(list, certificate.Raw)
	}
	return list
}
