package listener

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Teleport lib/tbot/internal/listener.go.
func TestOpenUnix(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	// Whatever is there is removed: here a plain file, in life the socket of a
	// killed tbot, or that of another issuer.
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	listener, err := Open("unix://"+path, slog.Default())
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode()&os.ModeSocket == 0 || info.Mode().Perm() != 0o777 {
		t.Errorf("mode %s", info.Mode())
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("closing leaves the file behind")
	}
}

func TestParentIsNotCreated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "socket")
	_, err := Open("unix://"+path, slog.Default())
	if err == nil || !strings.Contains(err.Error(), "creating unix socket") {
		t.Errorf("got %v", err)
	}
}

// A directory with something in it can't be removed: a warning, and then the
// error of listening.
func TestRemovalFailureIsOnlyAWarning(t *testing.T) {
	path := filepath.Join(t.TempDir(), "socket")
	if err := os.MkdirAll(filepath.Join(path, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	var logged bytes.Buffer
	_, err := Open("unix://"+path, slog.New(slog.NewTextHandler(&logged, nil)))
	if err == nil || !strings.Contains(err.Error(), "creating unix socket") {
		t.Errorf("got %v", err)
	}
	if !strings.Contains(logged.String(), "Failed to remove existing socket file") {
		t.Errorf("logged %q", logged.String())
	}
}

func TestSchemes(t *testing.T) {
	for _, address := range []string{"tcp://127.0.0.1:0", "//127.0.0.1:0"} {
		listener, err := Open(address, slog.Default())
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		listener.Close()
	}
	if _, err := Open("npipe://x", slog.Default()); err == nil || !strings.Contains(err.Error(), `unsupported scheme "npipe"`) {
		t.Errorf("got %v", err)
	}
}
