package sds

import (
	"context"
	"log/slog"
	"sync"
	"testing"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
	"istio-teleport/lab/go/teleport-double/internal/tbot/trustbundle"
)

// rotatingCache is a real cache over an auth server whose bundle changes on
// demand.
type rotatingCache struct {
	get    func(context.Context) (*trustbundle.Bundle, error)
	rotate func()
}

func trustbundleCache(t *testing.T) rotatingCache {
	t.Helper()
	var mu sync.Mutex
	bundle := newBundle(t)
	next := newBundle(t)
	fetch := func(context.Context) (authapi.BundleResponse, error) {
		mu.Lock()
		defer mu.Unlock()
		return authapi.BundleResponse{TrustDomain: trustDomain, X509Authorities: authorities(bundle)}, nil
	}
	cache := trustbundle.New(fetch, func(readiness.Status, string) {}, slog.New(slog.DiscardHandler))
	go cache.Run(t.Context())
	return rotatingCache{get: cache.Get, rotate: func() {
		mu.Lock()
		defer mu.Unlock()
		bundle = next
	}}
}

func authorities(bundle *x509bundle.Bundle) [][]byte {
	var list [][]byte
	for _, certificate := range bundle.X509Authorities() {
		list = append(list, certificate.Raw)
	}
	return list
}
