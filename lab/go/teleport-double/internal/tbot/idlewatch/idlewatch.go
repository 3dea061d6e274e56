// Package idlewatch plays the two services of tbot that watch Teleport for what
// the double never sends: rotations of the CAs that tbot's own credentials come
// from, and revocations. What is left of them is their health, which follows the
// connection to Teleport.
package idlewatch

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
	"istio-teleport/lab/go/teleport-double/internal/tbot/trustbundle"
)

// How /readyz calls the two services.
const (
	CARotation = "ca-rotation"
	CRLCache   = "crl-cache"
)

const (
	rotationBackoff = 2 * time.Second
	crlBackoff      = 10 * time.Second
)

// Open opens a watch; it returns once the server has confirmed it.
type Open func(ctx context.Context) (trustbundle.Watch, error)

// RunCARotation watches until ctx ends. /readyz gives no reason while the service
// is unhealthy (Teleport lib/tbot/internal/carotation/service.go).
func RunCARotation(ctx context.Context, open Open, report readiness.Report, log *slog.Logger) {
	for {
		err := watch(ctx, open, func() {
			report(readiness.Healthy, "")
			log.Info("Started watching for CA rotations")
		})
		if ctx.Err() != nil {
			return
		}
		wait := rotationBackoff/2 + rand.N(rotationBackoff/2)
		report(readiness.Unhealthy, "")
		log.Error("Error occurred whilst watching CA rotations. Waiting to retry", "wait", wait, "error", err)
		pause(ctx, wait)
	}
}

// RunCRLCache watches until ctx ends (Teleport
// lib/tbot/workloadidentity/crl_cache.go).
func RunCRLCache(ctx context.Context, open Open, report readiness.Report, log *slog.Logger) {
	for {
		log.Info("Initializing cache")
		err := watch(ctx, open, func() { report(readiness.Healthy, "") })
		if ctx.Err() != nil {
			return
		}
		err = trace.Wrap(err, "receiving CRL stream data")
		log.Error("Cache failed, will attempt to re-initialize after back off", "error", err, "backoff", crlBackoff)
		report(readiness.Unhealthy, err.Error())
		pause(ctx, crlBackoff)
	}
}

// watch returns when the watch is broken or can't be opened.
func watch(ctx context.Context, open Open, opened func()) error {
	events, err := open(ctx)
	if err != nil {
		return trace.Wrap(err)
	}
	defer events.Close()
	opened()
	for {
		if _, err := events.Next(); err != nil {
			return trace.Wrap(err)
		}
	}
}

func pause(ctx context.Context, wait time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
}
