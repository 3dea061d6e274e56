package trustbundle

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
)

func response(t *testing.T) authapi.BundleResponse {
	t.Helper()
	ca, err := authority.LoadOrCreate(t.TempDir(), "spiffe", authority.Options{TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return authapi.BundleResponse{TrustDomain: "lab.teleport.example", X509Authorities: [][]byte{ca.Certificate().Raw}}
}

// Teleport lib/tbot/workloadidentity/trust_bundle_cache.go: nobody gets an answer
// before the first bundle is there, a failure keeps the last one, a change makes
// the old one stale.
func TestCache(t *testing.T) {
	first, second := response(t), response(t)
	var served authapi.BundleResponse
	failure := errors.New("server is away")
	var reported readiness.Status
	cache := New(
		func(context.Context) (authapi.BundleResponse, error) { return served, failure },
		func(status readiness.Status, _ string) { reported = status },
		slog.New(slog.DiscardHandler),
	)

	short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := cache.refresh(t.Context()); err == nil {
		t.Fatal("a failed fetch is no error")
	}
	if _, err := cache.Get(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("before the first bundle: %v", err)
	}

	served, failure = first, nil
	if err := cache.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	bundle, err := cache.Get(t.Context())
	if err != nil || reported != readiness.Healthy {
		t.Fatalf("%v, %s", err, reported)
	}

	failure = errors.New("server is away")
	if err := cache.refresh(t.Context()); err == nil {
		t.Error("a failed fetch is no error")
	}
	if kept, err := cache.Get(t.Context()); err != nil || kept != bundle {
		t.Errorf("the last good bundle is gone: %v", err)
	}

	failure = nil
	if err := cache.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-bundle.Stale():
		t.Error("the same bundle again made it stale")
	default:
	}

	both := append(first.X509Authorities, second.X509Authorities...)
	served.X509Authorities = both
	if err := cache.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	overlap, err := cache.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// A rotation's phase update_clients swaps the two and changes nothing else.
	served.X509Authorities = [][]byte{both[1], both[0]}
	if err := cache.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-overlap.Stale():
	default:
		t.Error("another order did not make the bundle stale")
	}

	served = second
	if err := cache.refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	select {
	case <-bundle.Stale():
	default:
		t.Error("another bundle did not make the old one stale")
	}
	newer, err := cache.Get(t.Context())
	if err != nil || newer.Local.Equal(bundle.Local) {
		t.Errorf("no new bundle: %v", err)
	}
}
