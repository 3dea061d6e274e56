package main

import (
	"context"
	"net"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

type namedDriver struct {
	csi.UnimplementedIdentityServer
	name string
}

func (d namedDriver) GetPluginInfo(context.Context, *csi.GetPluginInfoRequest) (*csi.GetPluginInfoResponse, error) {
	return &csi.GetPluginInfoResponse{Name: d.name}, nil
}

func serveDriver(t *testing.T, name string) string {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "csi.sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer()
	csi.RegisterIdentityServer(server, namedDriver{name: name})
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return socket
}

func TestRefusesMissingKubeletPath(t *testing.T) {
	err := run(settings{})
	if err == nil || err.Error() != "kubelet-registration-path is a required parameter" {
		t.Errorf("got %v", err)
	}
}

func TestRefusesDriverWithoutName(t *testing.T) {
	s := settings{driverSocket: serveDriver(t, ""), kubeletSocket: "/k/csi.sock", operationTimeout: time.Second}
	if err := run(s); err == nil || !strings.Contains(err.Error(), "driver name is empty") {
		t.Errorf("got %v", err)
	}
}

func TestRegistersDriverAndTakesItsSocketAway(t *testing.T) {
	directory := t.TempDir()
	s := settings{
		driverSocket:     serveDriver(t, "csi.example"),
		registrationDir:  directory,
		kubeletSocket:    "/var/lib/kubelet/plugins/csi.example/csi.sock",
		operationTimeout: time.Second,
	}
	socket := filepath.Join(directory, "csi.example-reg.sock")
	// A stale file of an earlier process.
	if err := os.WriteFile(socket, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- run(s) }()

	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	info, err := registration.NewRegistrationClient(connection).GetInfo(ctx, &registration.InfoRequest{}, grpc.WaitForReady(true))
	if err != nil {
		t.Fatal(err)
	}
	if info.Type != "CSIPlugin" || info.Name != "csi.example" || info.Endpoint != s.kubeletSocket {
		t.Errorf("got %v", info)
	}
	if stat, err := os.Stat(socket); err != nil || stat.Mode().Perm() != 0o700 {
		t.Errorf("socket: %v %v", stat, err)
	}
	if code := healthCode(socket); code != 200 {
		t.Errorf("health says %d", code)
	}
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("ended with %v", err)
	}
	if code := healthCode(socket); code != 404 {
		t.Errorf("health says %d without the socket", code)
	}
}

func healthCode(socket string) int {
	recorder := httptest.NewRecorder()
	health(socket).ServeHTTP(recorder, httptest.NewRequest("GET", "/healthz", nil))
	return recorder.Code
}
