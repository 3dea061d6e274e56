// Command csi-node-driver-registrar plays Kubernetes' node-driver-registrar, which no registry serves here: it asks a CSI
// driver for its name and registers it with the kubelet. Flags, order, words and exit codes are those of the original's
// cmd/csi-node-driver-registrar/{main,node_register}.go and of csi-lib-utils' connection and rpc packages (v2.17.0).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

type settings struct {
	driverSocket     string
	registrationDir  string
	kubeletSocket    string
	httpEndpoint     string
	operationTimeout time.Duration
}

func main() {
	var s settings
	flag.StringVar(&s.driverSocket, "csi-address", "/run/csi/socket", "Path of the CSI driver socket that the node-driver-registrar will connect to.")
	flag.StringVar(&s.registrationDir, "plugin-registration-path", "/registration", "Path to Kubernetes plugin registration directory.")
	flag.StringVar(&s.kubeletSocket, "kubelet-registration-path", "", "Path of the CSI driver socket on the Kubernetes host machine.")
	flag.StringVar(&s.httpEndpoint, "http-endpoint", "", "The TCP network address where the HTTP server for diagnostics will listen.")
	flag.DurationVar(&s.operationTimeout, "timeout", time.Second, "Timeout for waiting for communication with driver")
	flag.Parse()
	if err := run(s); err != nil {
		log.Print(err)
		os.Exit(1)
	}
}

func run(s settings) error {
	if s.kubeletSocket == "" {
		return errors.New("kubelet-registration-path is a required parameter")
	}
	name, err := driverName(s)
	if err != nil {
		return err
	}
	return register(s, name)
}

// driverName waits for the driver for as long as it takes, then asks for its name once.
func driverName(s settings) (string, error) {
	connection, err := grpc.NewClient("unix://"+s.driverSocket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return "", fmt.Errorf("Error connecting to CSI driver: %w", err)
	}
	defer connection.Close()
	awaitReady(connection, s.driverSocket)
	ctx, cancel := context.WithTimeout(context.Background(), s.operationTimeout)
	defer cancel()
	info, err := csi.NewIdentityClient(connection).GetPluginInfo(ctx, &csi.GetPluginInfoRequest{})
	if err != nil {
		return "", fmt.Errorf("Error retreiving CSI driver name: %w", err)
	}
	if info.GetName() == "" {
		return "", errors.New("Error retreiving CSI driver name: driver name is empty")
	}
	return info.GetName(), nil
}

func awaitReady(connection *grpc.ClientConn, address string) {
	connection.Connect()
	for state := connection.GetState(); state != connectivity.Ready; state = connection.GetState() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		if !connection.WaitForStateChange(ctx, state) {
			log.Printf("Still connecting to unix://%s", address)
		}
		cancel()
		connection.Connect()
	}
}

// register serves the kubelet's plugin watcher until SIGTERM, at which it takes its socket away.
func register(s settings, name string) error {
	socket := filepath.Join(s.registrationDir, name+"-reg.sock")
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("failed to remove stale socket %s: %w", socket, err)
	}
	// For the kubelet, which is root's, alone.
	before := syscall.Umask(0o077)
	listener, err := net.Listen("unix", socket)
	syscall.Umask(before)
	if err != nil {
		return fmt.Errorf("Failed to listen on socket %s: %w", socket, err)
	}
	log.Printf("Registration Server started socketPath=%q", socket)
	server := grpc.NewServer()
	registration.RegisterRegistrationServer(server, registrar{name: name, endpoint: s.kubeletSocket})
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(listener) }()
	if s.httpEndpoint != "" {
		go func() { ended <- http.ListenAndServe(s.httpEndpoint, health(socket)) }()
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	select {
	case err := <-ended:
		return fmt.Errorf("Registration Server stopped serving: %w", err)
	case <-stop:
		// Unlike Stop, which would also wait for the kubelet.
		return os.Remove(socket)
	}
}

// health answers as the original does: 200 while the registration socket exists and serves, else 404 or 500.
func health(socket string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/healthz", func(w http.ResponseWriter, r *http.Request) {
		if _, err := os.Stat(socket); err != nil {
			http.Error(w, "registration socket does not exist", http.StatusNotFound)
			return
		}
		connection, err := net.Dial("unix", socket)
		if err != nil {
			http.Error(w, fmt.Sprintf("error connecting to node-registrar socket %s: %v", socket, err), http.StatusInternalServerError)
			return
		}
		connection.Close()
		fmt.Fprint(w, "ok")
	})
	return mux
}

// registrar is what the kubelet asks.
type registrar struct {
	registration.UnsafeRegistrationServer
	name     string
	endpoint string
}

func (r registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type:              registration.CSIPlugin,
		Name:              r.name,
		Endpoint:          r.endpoint,
		SupportedVersions: []string{"1.0.0"},
	}, nil
}

// NotifyRegistrationStatus ends the process when the kubelet refuses the driver, so that its container starts anew.
func (r registrar) NotifyRegistrationStatus(_ context.Context, status *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	log.Printf("Received NotifyRegistrationStatus call registered=%t error=%q", status.GetPluginRegistered(), status.GetError())
	if !status.GetPluginRegistered() {
		log.Print("Registration process failed with error, restarting registration container: " + status.GetError())
		os.Exit(1)
	}
	return &registration.RegistrationStatusResponse{}, nil
}
