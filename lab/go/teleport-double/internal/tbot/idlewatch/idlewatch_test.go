package idlewatch

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
	"istio-teleport/lab/go/teleport-double/internal/tbot/trustbundle"
)

type fakeWatch struct{ broken chan error }

func (w fakeWatch) Next() (authapi.BundleResponse, error) {
	return authapi.BundleResponse{}, <-w.broken
}
func (fakeWatch) Close() {}

// Teleport lib/tbot/internal/carotation/service.go@08dbc3a86e and
// lib/tbot/workloadidentity/crl_cache.go@09ff201212: both are unhealthy from the
// moment that the connection breaks until a new watch is open, ca-rotation without
// a reason and after at most 2 s, crl-cache after 10 s.
func TestHealthFollowsTheConnection(t *testing.T) {
	for _, c := range []struct {
		name   string
		run    func(context.Context, Open, readiness.Report, *slog.Logger)
		reason string
		pause  time.Duration
	}{
		{CARotation, RunCARotation, "", 2 * time.Second},
		{CRLCache, RunCRLCache, "receiving CRL stream data", 10 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := fakeWatch{broken: make(chan error)}
				var failure error
				var status readiness.Status
				var reason string
				ctx, cancel := context.WithCancel(t.Context())
				go c.run(ctx,
					func(context.Context) (trustbundle.Watch, error) { return w, failure },
					func(s readiness.Status, r string) { status, reason = s, r },
					slog.New(slog.DiscardHandler))
				synctest.Wait()
				if status != readiness.Healthy {
					t.Errorf("at the start: %s", status)
				}
				failure = errors.New("connection refused")
				w.broken <- errors.New("unexpected EOF")
				synctest.Wait()
				if status != readiness.Unhealthy || (reason == "") != (c.reason == "") || !strings.Contains(reason, c.reason) {
					t.Errorf("in the outage: %s, %q", status, reason)
				}
				time.Sleep(time.Minute)
				if status != readiness.Unhealthy {
					t.Errorf("after a minute: %s", status)
				}
				failure = nil
				time.Sleep(c.pause)
				synctest.Wait()
				if status != readiness.Healthy || reason != "" {
					t.Errorf("afterwards: %s, %q", status, reason)
				}
				cancel()
				w.broken <- context.Canceled
			})
		})
	}
}
