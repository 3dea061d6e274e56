package workloadapi

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	secret "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"github.com/gravitational/trace"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
	"istio-teleport/lab/go/teleport-double/internal/tbot/trustbundle"
)

// fixture is a service over a fake auth server that issues one SVID and records
// the attributes that tbot sends.
type fixture struct {
	*Service
	attested atomic.Int64
	fails    bool
	// ready says that the service has its credential.
	ready chan struct{}
	// events breaks the watch on the trust bundle.
	events chan error

	mu   sync.Mutex
	sent []*attribute.Workload
}

func (f *fixture) Attest(context.Context, int) (*attribute.Workload, error) {
	f.attested.Add(1)
	if f.fails {
		return nil, errors.New("getting process")
	}
	return &attribute.Workload{Unix: &attribute.Unix{Attested: true, UID: 1337}}, nil
}

// watch never has news; it breaks on demand.
type watch struct {
	ctx    context.Context
	events chan error
}

func (w *watch) Next() (authapi.BundleResponse, error) {
	select {
	case err := <-w.events:
		return authapi.BundleResponse{}, err
	case <-w.ctx.Done():
		return authapi.BundleResponse{}, w.ctx.Err()
	}
}

func (*watch) Close() {}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{events: make(chan error), ready: make(chan struct{})}
	ca, err := authority.LoadOrCreate(t.TempDir(), "spiffe", authority.Options{TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	fetch := func(context.Context) (authapi.BundleResponse, error) {
		return authapi.BundleResponse{TrustDomain: "lab.teleport.example", X509Authorities: [][]byte{ca.Certificate().Raw}}, nil
	}
	log := slog.New(slog.DiscardHandler)
	open := func(ctx context.Context) (trustbundle.Watch, error) { return &watch{ctx: ctx, events: f.events}, nil }
	cache := trustbundle.New(trustbundle.AuthServer{Watch: open, Bundle: fetch}, func(readiness.Status, string) {}, log)
	go cache.Run(t.Context())
	f.Service = New(&config.WorkloadAPI{Selector: config.Selector{Name: "x"}}, Dependencies{
		Lifetime: config.Lifetime{TTL: time.Minute, RenewalInterval: 50 * time.Millisecond},
		Bundles:  cache,
		Ready:    f.ready,
		Suite:    func(context.Context) (string, error) { return "balanced-v1", nil },
		Report:   func(readiness.Status, string) {},
		Log:      log,
		Issue: func(_ context.Context, request authapi.IssueRequest) (authapi.IssueResponse, error) {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.sent = append(f.sent, request.Workload)
			return authapi.IssueResponse{Credentials: []authapi.Credential{{SPIFFEID: "spiffe://lab.teleport.example/x"}}}, nil
		},
	})
	f.attestor = f
	return f
}

// Teleport workload_api.go, Run: healthy once the listener is up, whatever then
// happens to requests; an address that can't be listened on ends the service.
func TestHealthIsAboutListening(t *testing.T) {
	f := newFixture(t)
	reports := make(chan readiness.Status, 10)
	f.report = func(status readiness.Status, _ string) { reports <- status }
	f.issuer.Issue = func(context.Context, authapi.IssueRequest) (authapi.IssueResponse, error) {
		return authapi.IssueResponse{}, errors.New("access denied")
	}
	socket := filepath.Join(t.TempDir(), "socket")
	f.config.Listen = "unix://" + socket
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	close(f.ready)
	go func() { ended <- f.Run(ctx) }()
	select {
	case status := <-reports:
		if status != readiness.Healthy {
			t.Errorf("reported %s", status)
		}
	case err := <-ended:
		t.Fatal(err)
	}
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	stream, err := workload.NewSpiffeWorkloadAPIClient(connection).FetchX509SVID(t.Context(), &workload.X509SVIDRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err == nil {
		t.Error("an SVID that was not issued")
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("a clean stop: %v", err)
	}
	if len(reports) > 0 {
		t.Errorf("a failed request was reported: %s", <-reports)
	}

	f.config.Listen = "unix:///nowhere/socket"
	if err := f.Run(t.Context()); err == nil || len(reports) > 0 {
		t.Errorf("got %v and %d reports", err, len(reports))
	}
}

func (f *fixture) dial(t *testing.T, network, address string) *grpc.ClientConn {
	t.Helper()
	listener, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	server := f.Server()
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	target := listener.Addr().String()
	if network == "unix" {
		target = "unix://" + target
	}
	connection, err := grpc.NewClient(target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	return connection
}

func (f *fixture) lastSent() *attribute.Workload {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.sent[len(f.sent)-1]
}

func receiveSVID(t *testing.T, connection *grpc.ClientConn) {
	t.Helper()
	stream, err := workload.NewSpiffeWorkloadAPIClient(connection).FetchX509SVID(t.Context(), &workload.X509SVIDRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
	}
}

// Teleport lib/tbot/services/workloadidentity/workload_api.go: the caller is
// attested when the stream opens, and not again when it renews. No header is
// asked for (the SPIFFE standard says MUST).
func TestAttestedOncePerStream(t *testing.T) {
	f := newFixture(t)
	receiveSVID(t, f.dial(t, "unix", filepath.Join(t.TempDir(), "socket")))
	if n := f.attested.Load(); n != 1 {
		t.Errorf("attested %d times", n)
	}
	if f.lastSent().Unix.UID != 1337 {
		t.Errorf("sent %+v", f.lastSent())
	}
}

// Without attestation SVIDs are asked for all the same, with no attributes:
// over TCP, when the caller's PID is 0 (tbot without hostPID), and when the
// attestation fails.
func TestIssuesWithoutAttestation(t *testing.T) {
	overTCP := newFixture(t)
	receiveSVID(t, overTCP.dial(t, "tcp", "127.0.0.1:0"))
	if n := overTCP.attested.Load(); n != 0 || overTCP.lastSent() != nil {
		t.Errorf("TCP: attested %d times, sent %+v", n, overTCP.lastSent())
	}
	invisible := newFixture(t)
	invisible.callerPID = func(context.Context) (int, bool) { return 0, true }
	receiveSVID(t, invisible.dial(t, "unix", filepath.Join(t.TempDir(), "socket")))
	if n := invisible.attested.Load(); n != 0 || invisible.lastSent() != nil {
		t.Errorf("PID 0: attested %d times, sent %+v", n, invisible.lastSent())
	}
	failing := newFixture(t)
	failing.fails = true
	receiveSVID(t, failing.dial(t, "unix", filepath.Join(t.TempDir(), "socket")))
	if n := failing.attested.Load(); n != 1 || failing.lastSent() != nil {
		t.Errorf("failed attestation: attested %d times, sent %+v", n, failing.lastSent())
	}
}

// Each of Envoy's two streams is attested for itself.
func TestEachSDSStreamIsAttested(t *testing.T) {
	f := newFixture(t)
	connection := f.dial(t, "unix", filepath.Join(t.TempDir(), "socket"))
	for _, name := range []string{"default", "ROOTCA"} {
		stream, err := secret.NewSecretDiscoveryServiceClient(connection).StreamSecrets(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.Send(&discovery.DiscoveryRequest{ResourceNames: []string{name}}); err != nil {
			t.Fatal(err)
		}
		if _, err := stream.Recv(); err != nil {
			t.Fatal(err)
		}
	}
	if n := f.attested.Load(); n != 2 {
		t.Errorf("attested %d times", n)
	}
}

func TestX509Bundles(t *testing.T) {
	f := newFixture(t)
	client := workload.NewSpiffeWorkloadAPIClient(f.dial(t, "unix", filepath.Join(t.TempDir(), "socket")))
	stream, err := client.FetchX509Bundles(t.Context(), &workload.X509BundlesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	response, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if len(response.Bundles["spiffe://lab.teleport.example"]) == 0 || len(response.Crl) != 0 {
		t.Errorf("got %v", response)
	}
	if n := f.attested.Load(); n != 0 {
		t.Errorf("attested %d times", n)
	}
}

// The double issues no JWT-SVIDs, and says so.
func TestJWTIsNotPlayed(t *testing.T) {
	f := newFixture(t)
	client := workload.NewSpiffeWorkloadAPIClient(f.dial(t, "unix", filepath.Join(t.TempDir(), "socket")))
	_, fetch := client.FetchJWTSVID(t.Context(), &workload.JWTSVIDRequest{Audience: []string{"x"}})
	_, validate := client.ValidateJWTSVID(t.Context(), &workload.ValidateJWTSVIDRequest{Audience: "x", Svid: "y"})
	stream, err := client.FetchJWTBundles(t.Context(), &workload.JWTBundlesRequest{})
	if err != nil {
		t.Fatal(err)
	}
	_, bundles := stream.Recv()
	for name, err := range map[string]error{"FetchJWTSVID": fetch, "ValidateJWTSVID": validate, "FetchJWTBundles": bundles} {
		if status.Code(err) != codes.Unimplemented {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Teleport workload_api.go@05afd4fe8d, FetchX509SVID (PR 56626): a stale bundle
// that is equal is answered with the SVIDs that are there, and the renewal comes
// when it was due. Only SDS lets itself be postponed.
func TestBrokenWatchDoesNotPostponeTheWorkloadAPI(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.renewal = 100 * time.Second
		stream := &svidStream{ctx: t.Context()}
		go func() { _ = f.FetchX509SVID(nil, stream) }()
		// The cache opens its watch again 10 s after each break.
		for range 25 {
			time.Sleep(50 * time.Second)
			f.events <- errors.New("unexpected EOF")
			time.Sleep(10 * time.Second)
		}
		time.Sleep(time.Second)
		if stream.sent.Load() != 1+25+15 || f.issued() != 1+15 {
			t.Errorf("%d answers, %d SVIDs", stream.sent.Load(), f.issued())
		}
	})
}

func (f *fixture) issued() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.sent)
}

// svidStream counts what is sent.
type svidStream struct {
	workload.SpiffeWorkloadAPI_FetchX509SVIDServer
	ctx  context.Context
	sent atomic.Int64
}

func (s *svidStream) Context() context.Context { return s.ctx }

func (s *svidStream) Send(*workload.X509SVIDResponse) error {
	s.sent.Add(1)
	return nil
}

// Teleport workload_api.go@05afd4fe8d, setup: without its credential the service
// waits for 10 s, and then it fails, which ends tbot. It never listened and never
// said that it is healthy.
func TestServiceWithoutItsCredential(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFixture(t)
		f.report = func(status readiness.Status, _ string) { t.Errorf("reported %s", status) }
		socket := filepath.Join(t.TempDir(), "socket")
		f.config.Listen = "unix://" + socket
		started := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := f.Run(ctx)
		if err == nil || trace.UserMessage(err) != "timeout waiting for identity to be ready" {
			t.Errorf("ended with %v", err)
		}
		if waited := time.Since(started); waited != 10*time.Second {
			t.Errorf("waited for %s", waited)
		}
		if _, err := os.Stat(socket); err == nil {
			t.Error("it listened")
		}
	})
}
