package trustbundle

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
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

// server is an auth server on demand. Its watches end when broken is closed.
type server struct {
	bundle  authapi.BundleResponse
	failure error
	events  chan authapi.BundleResponse
	broken  chan error
}

func (s *server) Next() (authapi.BundleResponse, error) {
	select {
	case event := <-s.events:
		return event, nil
	case err := <-s.broken:
		return authapi.BundleResponse{}, err
	}
}

func (s *server) Close() {}

type fixture struct {
	*Cache
	server *server
	status readiness.Status
	reason string
	logged bytes.Buffer
}

// start runs a cache inside of synctest's bubble, whose clock moves only when
// everything waits.
func start(t *testing.T, bundle authapi.BundleResponse) *fixture {
	t.Helper()
	f := &fixture{server: &server{bundle: bundle, events: make(chan authapi.BundleResponse), broken: make(chan error)}}
	f.Cache = New(AuthServer{
		Watch:  func(context.Context) (Watch, error) { return f.server, f.server.failure },
		Bundle: func(context.Context) (authapi.BundleResponse, error) { return f.server.bundle, nil },
	}, func(status readiness.Status, reason string) {
		f.status, f.reason = status, reason
	}, slog.New(slog.NewTextHandler(&f.logged, nil)))
	ctx, cancel := context.WithCancel(t.Context())
	go f.Run(ctx)
	t.Cleanup(func() {
		cancel()
		select {
		case f.server.broken <- context.Canceled:
		default:
		}
		synctest.Wait()
	})
	return f
}

func (f *fixture) newest(t *testing.T) *Bundle {
	t.Helper()
	synctest.Wait()
	bundle, err := f.Get(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return bundle
}

func stale(bundle *Bundle) bool {
	select {
	case <-bundle.Stale():
		return true
	default:
		return false
	}
}

// Teleport lib/tbot/workloadidentity/trust_bundle_cache.go@005d1d4081,
// GetBundleSet and Run: nothing is served before the first bundle is there, the
// next try comes 10 s after a failure, and the last bundle stays meanwhile.
func TestFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, response(t))
		f.server.failure = errors.New("connection refused")
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := f.Get(short); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("before the first bundle: %v", err)
		}
		if f.status != readiness.Unhealthy || !strings.Contains(f.reason, "establishing watcher") || !strings.Contains(f.reason, "connection refused") {
			t.Errorf("reported %s, %q", f.status, f.reason)
		}
		f.server.failure = nil
		time.Sleep(10 * time.Second)
		first := f.newest(t)
		if f.status != readiness.Healthy {
			t.Errorf("reported %s", f.status)
		}
		f.server.failure = errors.New("connection refused")
		f.server.broken <- errors.New("unexpected EOF")
		time.Sleep(time.Minute)
		if kept := f.newest(t); kept != first || stale(first) {
			t.Error("the last good bundle is gone")
		}
		for _, want := range []string{"Initializing cache", "Cache failed, will attempt to re-initialize after back off", "watcher closed", "unexpected EOF", "backoff=10s"} {
			if !strings.Contains(f.logged.String(), want) {
				t.Errorf("log lacks %q: %s", want, f.logged.String())
			}
		}
	})
}

// Teleport trust_bundle_cache.go@005d1d4081, watch and setBundleSet: each time
// that the watch is opened again the bundle becomes stale, also for an equal one.
func TestBrokenWatchMakesAnEqualBundleStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, response(t))
		first := f.newest(t)
		f.server.broken <- errors.New("unexpected EOF")
		synctest.Wait()
		if stale(first) || f.status != readiness.Unhealthy {
			t.Errorf("while the watch is broken: stale %t, %s", stale(first), f.status)
		}
		time.Sleep(10 * time.Second)
		second := f.newest(t)
		if !stale(first) || stale(second) || !second.Local.Equal(first.Local) {
			t.Errorf("after the watch was opened again: first stale %t, second stale %t", stale(first), stale(second))
		}
		if got := strings.Count(f.logged.String(), "Successfully initialized trust bundle cache"); got != 2 {
			t.Errorf("logged %d initializations", got)
		}
	})
}

// Teleport trust_bundle_cache.go@005d1d4081, processEvent: an event replaces the
// bundle only if it changes it, and the order counts.
func TestEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := response(t), response(t)
		f := start(t, one)
		first := f.newest(t)
		f.server.events <- one
		if f.newest(t) != first || stale(first) {
			t.Error("an event without a change replaced the bundle")
		}
		f.server.events <- authapi.BundleResponse{TrustDomain: "not a trust domain"}
		if f.newest(t) != first || !strings.Contains(f.logged.String(), "Failed to convert CA to trust bundle") {
			t.Error("an event that can't be read replaced the bundle")
		}
		both := append(one.X509Authorities, two.X509Authorities...)
		f.server.events <- authapi.BundleResponse{TrustDomain: one.TrustDomain, X509Authorities: both}
		overlap := f.newest(t)
		if !stale(first) {
			t.Error("another bundle did not make the old one stale")
		}
		// A rotation's phase update_clients swaps the two and changes nothing else.
		f.server.events <- authapi.BundleResponse{TrustDomain: one.TrustDomain, X509Authorities: [][]byte{both[1], both[0]}}
		if f.newest(t); !stale(overlap) {
			t.Error("another order did not make the bundle stale")
		}
		f.server.events <- two
		if newer := f.newest(t); newer.Local.Equal(first.Local) {
			t.Error("no new bundle")
		}
	})
}
