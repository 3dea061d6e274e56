package peercred

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"

	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"
)

func handshake(t *testing.T, network, address string) (int, bool) {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	client, err := net.Dial(network, listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	server, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	_, info, err := TransportCredentials{insecure.NewCredentials()}.ServerHandshake(server)
	if err != nil {
		t.Fatal(err)
	}
	return FromContext(peer.NewContext(t.Context(), &peer.Peer{AuthInfo: info}))
}

// Teleport lib/uds/cred_linux.go: the process that called connect().
func TestUnixSocketTellsTheProcess(t *testing.T) {
	pid, ok := handshake(t, "unix", filepath.Join(t.TempDir(), "socket"))
	if !ok || pid != os.Getpid() {
		t.Errorf("got %d, %t, want %d", pid, ok, os.Getpid())
	}
}

// Callers over TCP are not known.
func TestTCPTellsNothing(t *testing.T) {
	if pid, ok := handshake(t, "tcp", "127.0.0.1:0"); ok {
		t.Errorf("got PID %d", pid)
	}
	if _, ok := FromContext(context.Background()); ok {
		t.Error("a context without a peer has a process")
	}
}
