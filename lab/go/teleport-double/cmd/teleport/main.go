// Command teleport plays Teleport's Auth Service and Proxy Service in the lab:
// one TLS address for tbot and one Unix socket for tctl.
package main

import (
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/authserver"
	"istio-teleport/lab/go/teleport-double/internal/command"
	"istio-teleport/lab/go/teleport-double/internal/fileconfig"
)

const usage = `usage: teleport start [-c FILE] [-d] [--ca-ttl 87600h] [--clock-offset 5m] [--break-watches-every 15s]
       teleport version
FILE may also come from TELEPORT_CONFIG_FILE. The last three flags are the double's own.`

var errUsage = errors.New(usage)

func main() { command.Service(errUsage, start) }

func start(ctx context.Context, arguments []string) error {
	flags := flag.NewFlagSet("teleport start", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	var path string
	var debug bool
	for _, name := range []string{"c", "config"} {
		flags.StringVar(&path, name, os.Getenv(fileconfig.PathEnvironment), "")
	}
	for _, name := range []string{"d", "debug"} {
		flags.BoolVar(&debug, name, false, "")
	}
	authorityTTL := flags.Duration("ca-ttl", authority.DefaultTTL, "life of a certificate authority made on the first start")
	clockOffset := flags.Duration("clock-offset", 0, "by how much the server's clock is ahead of the machine's; negative: behind")
	breakWatches := flags.Duration("break-watches-every", 0, "cut the connections of all watches again and again, at this interval; 0: never")
	if flags.Parse(arguments) != nil || flags.NArg() > 0 || *breakWatches < 0 || path == "" {
		return errUsage
	}
	level := slog.LevelInfo
	if debug {
		level = slog.LevelDebug
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	file, err := fileconfig.Read(path)
	if err != nil {
		return err
	}
	webCertificate, err := file.WebCertificate()
	if err != nil {
		return err
	}
	config := authserver.Config{
		DataDir:        file.Teleport.DataDir,
		ClusterName:    file.Auth.ClusterName,
		WebCertificate: webCertificate,
		AuthorityTTL:   *authorityTTL,
		ClockOffset:    *clockOffset,
		Log:            log,
	}
	return serveCluster(ctx, config, file.Proxy.WebListenAddr, file.AdminSocket(), *breakWatches)
}

func serveCluster(ctx context.Context, config authserver.Config, listen, adminSocket string, breakWatches time.Duration) error {
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
