// Package listener opens the address of a tbot service (Teleport
// lib/tbot/internal/listener.go).
package listener

import (
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"

	"github.com/gravitational/trace"
)

// Open listens on a URL: unix:///path, tcp://host:port, or no scheme for TCP.
//
// A file at a socket's path is removed first, whatever it is, and failing to do
// so is only a warning. The socket gets mode 0777; its directory is not created.
// Closing the listener removes the file; a killed process leaves it behind.
func Open(address string, log *slog.Logger) (net.Listener, error) {
	parsed, err := url.Parse(address)
	if err != nil {
		return nil, trace.Wrap(err, "parsing %q", address)
	}
	switch parsed.Scheme {
	case "tcp", "":
		listener, err := net.Listen("tcp", parsed.Host)
		return listener, trace.Wrap(err)
	case "unix":
		return openUnix(parsed.Path, log)
	default:
		return nil, trace.BadParameter("unsupported scheme %q", parsed.Scheme)
	}
}

func openUnix(path string, log *slog.Logger) (net.Listener, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, trace.Wrap(err, "resolving absolute path for %q", path)
	}
	if err := os.Remove(absolute); err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("Failed to remove existing socket file", "error", err)
	}
	listener, err := net.ListenUnix("unix", &net.UnixAddr{Net: "unix", Name: absolute})
	if err != nil {
		return nil, trace.Wrap(err, "creating unix socket %q", absolute)
	}
	if err := os.Chmod(absolute, os.ModePerm); err != nil {
		listener.Close()
		return nil, trace.Wrap(err, "setting permissions on unix socket %q", absolute)
	}
	return listener, nil
}
