// Package diagnostics serves tbot's /livez, /readyz and /metrics (Teleport
// lib/tbot/internal/diagnostics/service.go).
package diagnostics

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/gravitational/trace"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"istio-teleport/lab/go/teleport-double/internal/buildversion"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
)

// The collector that tbot registers beside those of its tasks (Teleport
// lib/tbot/tbot.go, lib/observability/metrics). Always 1, the labels tell.
var _ = promauto.NewGaugeFunc(prometheus.GaugeOpts{
	Name:        "teleport_build_info",
	Help:        "Provides build information of the Teleport double.",
	ConstLabels: prometheus.Labels{"version": buildversion.Version()},
}, func() float64 { return 1 })

// Run serves on the address until ctx ends.
func Run(ctx context.Context, address string, registry *readiness.Registry, log *slog.Logger) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return trace.Wrap(err)
	}
	log.Info("diagnostics service will be starting", "addr", listener.Addr().String())
	server := &http.Server{Handler: Handler(registry), ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return trace.Wrap(err)
	}
	return nil
}

// Handler answers everything that it does not know with 404.
func Handler(registry *readiness.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.Handler())
	mux.Handle("/readyz", registry.Handler())
	mux.Handle("/readyz/", registry.Handler())
	mux.HandleFunc("/livez", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "OK")
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusNotFound)
		io.WriteString(w, "404 - Not Found\n\nI'm a little tbot,\nshort and stout,\nthe page you seek,\nis not about.\n")
	})
	return mux
}
