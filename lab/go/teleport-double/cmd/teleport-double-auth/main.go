// Command teleport-double-auth plays Teleport's auth server and proxy in the
// lab: one TLS address for tbot and one Unix socket for tctl.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/authserver"
)

func main() {
	dataDir := flag.String("data-dir", "", "directory for resources, certificate authorities and events.jsonl (required)")
	clusterName := flag.String("cluster-name", "", "name of the cluster, also the trust domain (required)")
	listen := flag.String("listen", "", "HOST:PORT of the TLS address for tbot (required)")
	adminSocket := flag.String("admin-socket", "", "path of the Unix socket for tctl (required)")
	authorityTTL := flag.Duration("ca-ttl", authority.DefaultTTL, "life of a certificate authority made on the first start")
	clockOffset := flag.Duration("clock-offset", 0, "by how much the server's clock is ahead of the machine's; negative: behind")
	breakWatches := flag.Duration("break-watches-every", 0, "cut the connections of all watches again and again, at this interval; 0: never")
	debug := flag.Bool("d", false, "log at debug level")
	flag.Parse()
	if flag.NArg() > 0 || *breakWatches < 0 || *dataDir == "" || *clusterName == "" || *listen == "" || *adminSocket == "" {
		flag.Usage()
		os.Exit(2)
	}
	level := slog.LevelInfo
	if *debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	config := authserver.Config{
		DataDir:      *dataDir,
		ClusterName:  *clusterName,
		AuthorityTTL: *authorityTTL,
		ClockOffset:  *clockOffset,
		Log:          log,
	}
	if err := run(ctx, config, *listen, *adminSocket, *breakWatches); err != nil {
		fmt.Fprintf(os.Stderr, "ERROR: %s\n", trace.UserMessage(err))
		os.Exit(1)
	}
}

func run(ctx context.Context, config authserver.Config, listen, adminSocket string, breakWatches time.Duration) error {
	server, err := authserver.New(config)
	if err != nil {
		return err
	}
	defer server.Close()
	tlsConfig, err := server.BotTLS()
	if err != nil {
		return err
	}
	botListener, err := tls.Listen("tcp", listen, tlsConfig)
	if err != nil {
		return trace.Wrap(err)
	}
	adminListener, err := listenAdmin(adminSocket)
	if err != nil {
		return err
	}
	config.Log.Info("Serving", "cluster_name", config.ClusterName, "listen", botListener.Addr().String(), "admin_socket", adminSocket)
	if breakWatches > 0 {
		go server.BreakWatchesEvery(ctx, breakWatches)
	}
	return serve(ctx, map[net.Listener]http.Handler{
		botListener:   server.BotHandler(),
		adminListener: server.AdminHandler(),
	})
}

// listenAdmin makes the socket for its owner alone. A file that a killed process
// left behind is replaced.
func listenAdmin(path string) (net.Listener, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, trace.ConvertSystemError(err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	return listener, trace.ConvertSystemError(os.Chmod(path, 0o600))
}

// serve returns when ctx ends or one of the servers fails.
func serve(ctx context.Context, handlers map[net.Listener]http.Handler) error {
	failed := make(chan error, len(handlers))
	for listener, handler := range handlers {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
		defer server.Close()
		go func() { failed <- server.Serve(listener) }()
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-failed:
		return trace.Wrap(err)
	}
}
