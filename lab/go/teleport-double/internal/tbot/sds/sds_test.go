package sds

import (
	"context"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	tls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	secret "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	typev3 "github.com/envoyproxy/go-control-plane/envoy/type/v3"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	rpcstatus "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/tbot/trustbundle"
)

const trustDomain = "lab.teleport.example"

func newBundle(t *testing.T) *x509bundle.Bundle {
	t.Helper()
	ca, err := authority.LoadOrCreate(t.TempDir(), "spiffe", authority.Options{TTL: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	bundle := x509bundle.New(spiffeid.RequireTrustDomainFromString(trustDomain))
	bundle.AddX509Authority(ca.Certificate())
	return bundle
}

func svid(path string) *workload.X509SVID {
	return &workload.X509SVID{SpiffeId: "spiffe://" + trustDomain + path, X509Svid: []byte("leaf" + path), X509SvidKey: []byte("key")}
}

func names(t *testing.T, response *discovery.DiscoveryResponse) []string {
	t.Helper()
	var list []string
	for _, resource := range response.Resources {
		var message tls.Secret
		if err := resource.UnmarshalTo(&message); err != nil {
			t.Fatal(err)
		}
		list = append(list, message.Name)
	}
	return list
}

// Teleport lib/tbot/internal/sds/handler.go, generateResponse.
func TestRespond(t *testing.T) {
	bundle := newBundle(t)
	a, b := svid("/a"), svid("/b")
	td := "spiffe://" + trustDomain
	for _, c := range []struct {
		name   string
		asked  []string
		issued []*workload.X509SVID
		want   []string
		fails  string
	}{
		{"first SVID as default", []string{"default"}, []*workload.X509SVID{a, b}, []string{"default"}, ""},
		{"bundle as ROOTCA", []string{"ROOTCA"}, []*workload.X509SVID{a}, []string{"ROOTCA"}, ""},
		{"bundle as ALL", []string{"ALL"}, nil, []string{"ALL"}, ""},
		{"bundle by trust domain", []string{td}, nil, []string{td}, ""},
		{"SVID by its ID", []string{b.SpiffeId}, []*workload.X509SVID{a, b}, []string{b.SpiffeId}, ""},
		{"both", []string{"default", "ROOTCA"}, []*workload.X509SVID{a}, []string{"default", "ROOTCA"}, ""},
		{"nothing is everything", nil, []*workload.X509SVID{a, b}, []string{a.SpiffeId, b.SpiffeId, td}, ""},
		{"empty names are nothing", []string{""}, []*workload.X509SVID{a}, []string{a.SpiffeId, td}, ""},
		// Only the first can be default, and it is served under its ID here.
		{"default and the first ID", []string{"default", a.SpiffeId}, []*workload.X509SVID{a, b}, nil, "unknown resource names: [default]"},
		// One switch: only one name for the local bundle is served.
		{"ROOTCA and ALL", []string{"ROOTCA", "ALL"}, nil, nil, "unknown resource names: [ALL]"},
		{"trust domain and ROOTCA", []string{td, "ROOTCA"}, nil, nil, "unknown resource names: [ROOTCA]"},
		{"no SVID for default", []string{"default"}, nil, nil, "unknown resource names: [default]"},
		{"other ID", []string{td + "/c"}, []*workload.X509SVID{a}, nil, "unknown resource names: [" + td + "/c]"},
		{"istiod's file names", []string{"file-cert:/etc/x"}, []*workload.X509SVID{a}, nil, "unknown resource names: [file-cert:/etc/x]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			response, err := respond(&discovery.DiscoveryRequest{ResourceNames: c.asked, TypeUrl: "type"}, c.issued, bundle)
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) {
					t.Errorf("got %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := names(t, response); fmt.Sprint(got) != fmt.Sprint(c.want) || response.TypeUrl != "type" {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

// Teleport handler.go, newTLSV3Certificate and newTLSV3ValidationContext: one PEM
// block, and Envoy's SPIFFE validator with the trust domain's bare name.
func TestSecrets(t *testing.T) {
	made := certificate("default", svid("/a")).GetTlsCertificate()
	block, rest := pem.Decode(made.CertificateChain.GetInlineBytes())
	if string(block.Bytes) != "leaf/a" || len(rest) != 0 {
		t.Errorf("certificate chain: %q", made.CertificateChain.GetInlineBytes())
	}
	if block, _ := pem.Decode(made.PrivateKey.GetInlineBytes()); block.Type != "PRIVATE KEY" || string(block.Bytes) != "key" {
		t.Errorf("private key: %q", made.PrivateKey.GetInlineBytes())
	}
	bundle := newBundle(t)
	message, err := validationContext("ROOTCA", bundle)
	if err != nil {
		t.Fatal(err)
	}
	context := message.GetValidationContext()
	if context.TrustedCa != nil || context.CustomValidatorConfig.Name != "envoy.tls.cert_validator.spiffe" {
		t.Errorf("validation context: %v", context)
	}
	var validator tls.SPIFFECertValidatorConfig
	if err := context.CustomValidatorConfig.TypedConfig.UnmarshalTo(&validator); err != nil {
		t.Fatal(err)
	}
	if len(validator.TrustDomains) != 1 || validator.TrustDomains[0].Name != trustDomain {
		t.Errorf("trust domains: %v", validator.TrustDomains)
	}
	block, _ = pem.Decode(validator.TrustDomains[0].TrustBundle.GetInlineBytes())
	if block == nil || string(block.Bytes) != string(bundle.X509Authorities()[0].Raw) {
		t.Error("the bundle is not the authority's certificate")
	}
}

// fakeStream is the server's side of one StreamSecrets call.
type fakeStream struct {
	grpc.ServerStream
	ctx       context.Context
	requests  chan *discovery.DiscoveryRequest
	responses chan *discovery.DiscoveryResponse
}

func (s *fakeStream) Context() context.Context { return s.ctx }

func (s *fakeStream) Recv() (*discovery.DiscoveryRequest, error) {
	request, ok := <-s.requests
	if !ok {
		return nil, io.EOF
	}
	return request, nil
}

func (s *fakeStream) Send(response *discovery.DiscoveryResponse) error {
	s.responses <- response
	return nil
}

var _ secret.SecretDiscoveryService_StreamSecretsServer = (*fakeStream)(nil)

// streamFixture is a handler whose SVIDs carry the number of their issue.
type streamFixture struct {
	*fakeStream
	handler *Handler
	issues  atomic.Int64
	attests atomic.Int64
	logged  *syncBuffer
	result  chan error
}

func startStream(t *testing.T, renewal time.Duration, bundle func(context.Context) (*trustbundle.Bundle, error)) *streamFixture {
	t.Helper()
	f := &streamFixture{
		fakeStream: &fakeStream{
			ctx: t.Context(), requests: make(chan *discovery.DiscoveryRequest), responses: make(chan *discovery.DiscoveryResponse, 10),
		},
		logged: &syncBuffer{}, result: make(chan error, 1),
	}
	log := slog.New(slog.NewTextHandler(f.logged, nil))
	f.handler = &Handler{
		RenewalInterval: renewal,
		Bundle:          bundle,
		Authenticate: func(context.Context) (*slog.Logger, FetchSVIDs, error) {
			f.attests.Add(1)
			return log, func(context.Context, *x509bundle.Bundle) ([]*workload.X509SVID, error) {
				f.issues.Add(1)
				return []*workload.X509SVID{svid("/a")}, nil
			}, nil
		},
	}
	go func() { f.result <- f.handler.StreamSecrets(f) }()
	return f
}

func (f *streamFixture) next(t *testing.T) *discovery.DiscoveryResponse {
	t.Helper()
	select {
	case response := <-f.responses:
		return response
	case err := <-f.result:
		t.Fatalf("the stream ended: %v", err)
	case <-time.After(5 * time.Second):
		t.Fatal("no response")
	}
	return nil
}

func (f *streamFixture) end(t *testing.T) error {
	t.Helper()
	select {
	case err := <-f.result:
		return err
	case <-time.After(5 * time.Second):
		t.Fatal("the stream continues")
	}
	return nil
}

func (f *streamFixture) none(t *testing.T) {
	t.Helper()
	select {
	case response := <-f.responses:
		t.Fatalf("a response that nobody asked for: %v", names(t, response))
	case <-time.After(50 * time.Millisecond):
	}
}

type syncBuffer struct{ text atomic.Pointer[string] }

func (b *syncBuffer) Write(text []byte) (int, error) {
	all := b.String() + string(text)
	b.text.Store(&all)
	return len(text), nil
}

func (b *syncBuffer) String() string {
	if text := b.text.Load(); text != nil {
		return *text
	}
	return ""
}

func fixed(t *testing.T) func(context.Context) (*trustbundle.Bundle, error) {
	bundle := &trustbundle.Bundle{Local: newBundle(t)}
	return func(context.Context) (*trustbundle.Bundle, error) { return bundle, nil }
}

// Teleport handler.go, StreamSecrets: ACK, NACK, nonces and names.
func TestStreamRequests(t *testing.T) {
	f := startStream(t, time.Hour, fixed(t))
	ask := func(nonce string, failed *rpcstatus.Status, asked ...string) {
		f.requests <- &discovery.DiscoveryRequest{ResourceNames: asked, ResponseNonce: nonce, ErrorDetail: failed}
	}
	ask("", nil, "default")
	first := f.next(t)
	if !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(first.Nonce) {
		t.Errorf("nonce %q is not 4 bytes in hexadecimal", first.Nonce)
	}
	if _, err := time.Parse(time.RFC3339Nano, first.VersionInfo); err != nil {
		t.Errorf("version: %v", err)
	}

	ask(first.Nonce, nil, "default")
	f.none(t)

	ask("00000000", nil, "ROOTCA")
	f.none(t)
	if !strings.Contains(f.logged.String(), "nonce which does not match") {
		t.Errorf("logged %q", f.logged)
	}

	ask(first.Nonce, &rpcstatus.Status{Message: "bad certificate"}, "default")
	f.none(t)
	if !strings.Contains(f.logged.String(), "Envoy was unable to apply previous discovery response") || !strings.Contains(f.logged.String(), "bad certificate") {
		t.Errorf("logged %q", f.logged)
	}

	ask(first.Nonce, nil, "default", "ROOTCA")
	second := f.next(t)
	if got := names(t, second); fmt.Sprint(got) != "[default ROOTCA]" {
		t.Errorf("other names: got %v", got)
	}
	ask(second.Nonce, nil, "ROOTCA", "default")
	f.none(t)
	// The SVID of the first answer is still good, and the caller was attested once.
	if f.issues.Load() != 1 || f.attests.Load() != 1 {
		t.Errorf("%d issues, %d attestations", f.issues.Load(), f.attests.Load())
	}

	close(f.requests)
	if err := f.end(t); err != nil {
		t.Errorf("the client went away: %v", err)
	}
}

// A left-over name ends the stream, also later on.
func TestLeftOverNameEndsTheStream(t *testing.T) {
	f := startStream(t, time.Hour, fixed(t))
	f.requests <- &discovery.DiscoveryRequest{ResourceNames: []string{"nobody"}}
	if err := f.end(t); err == nil || !strings.Contains(err.Error(), "unknown resource names: [nobody]") {
		t.Errorf("got %v", err)
	}
}

// An SVID is issued for each stream, for the bundle's stream too: two SVIDs for
// each sidecar (github.com/jeffellin/teleport-istio saw it).
func TestBundleStreamIssuesASVID(t *testing.T) {
	f := startStream(t, time.Hour, fixed(t))
	f.requests <- &discovery.DiscoveryRequest{ResourceNames: []string{"ROOTCA"}}
	f.next(t)
	if f.issues.Load() != 1 {
		t.Errorf("%d issues", f.issues.Load())
	}
}

func TestRenewalPushes(t *testing.T) {
	f := startStream(t, 20*time.Millisecond, fixed(t))
	f.requests <- &discovery.DiscoveryRequest{ResourceNames: []string{"default"}}
	first, second := f.next(t), f.next(t)
	if first.Nonce == second.Nonce || first.VersionInfo == second.VersionInfo {
		t.Error("the renewed response has the nonce or the version of the first")
	}
	if f.issues.Load() < 2 || f.attests.Load() != 1 {
		t.Errorf("%d issues, %d attestations", f.issues.Load(), f.attests.Load())
	}
}

// A new bundle is pushed, with a new SVID.
func TestNewBundlePushes(t *testing.T) {
	cache := newWatchedCache(t)
	f := startStream(t, time.Hour, cache.get)
	f.requests <- &discovery.DiscoveryRequest{ResourceNames: []string{"ROOTCA"}}
	f.next(t)
	cache.rotate()
	f.next(t)
	if f.issues.Load() != 2 {
		t.Errorf("%d issues", f.issues.Load())
	}
}

// Teleport handler.go@02a2029fd9, StreamSecrets, over trust_bundle_cache.go@005d1d4081:
// a stale bundle that is equal is answered with the SVIDs that are there, and each
// answer restarts the renewal timer. Real code gave 26 answers and 1 leaf in 1.5 s
// (renewal every 100 ms, a break every 60 ms); here one millisecond is a second.
func TestBrokenWatchPostponesRenewal(t *testing.T) {
	for _, c := range []struct {
		name            string
		breakEvery      time.Duration
		answers, leaves int64
	}{
		{"a break every 60 s", 60 * time.Second, 26, 1},
		{"no break", time.Hour, 16, 16},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cache := newWatchedCache(t)
				f := startStream(t, 100*time.Second, cache.get)
				f.requests <- &discovery.DiscoveryRequest{ResourceNames: []string{"default"}}
				ctx, cancel := context.WithCancel(t.Context())
				var answers atomic.Int64
				go func() {
					for {
						select {
						case <-f.responses:
							answers.Add(1)
						case <-ctx.Done():
							return
						}
					}
				}()
				// The cache opens its watch again 10 s after the break.
				const backoff = 10 * time.Second
				end := time.Now().Add(1500 * time.Second)
				for {
					next := c.breakEvery - backoff
					if time.Now().Add(next + backoff).After(end) {
						break
					}
					time.Sleep(next)
					cache.breakOnce()
					time.Sleep(backoff)
				}
				time.Sleep(time.Until(end))
				synctest.Wait()
				cancel()
				if answers.Load() != c.answers || f.issues.Load() != c.leaves {
					t.Errorf("%d answers, %d leaves; want %d, %d", answers.Load(), f.issues.Load(), c.answers, c.leaves)
				}
				close(f.requests)
				synctest.Wait()
			})
		})
	}
}

// Teleport handler.go@02a2029fd9, StreamSecrets and generateResponse: a bundle that
// becomes stale before the first request ends the stream, after an SVID was issued
// for nothing.
func TestStaleBundleBeforeTheFirstRequest(t *testing.T) {
	cache := newWatchedCache(t)
	f := startStream(t, time.Hour, cache.get)
	// The stream has its bundle once it is attested and the cache is filled.
	if _, err := cache.get(t.Context()); err != nil {
		t.Fatal(err)
	}
	for f.attests.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	time.Sleep(20 * time.Millisecond)
	cache.rotate()
	if err := f.end(t); status.Code(err) != codes.Internal || f.issues.Load() != 1 {
		t.Errorf("ended with %v after %d issues", err, f.issues.Load())
	}
}

// Errors of issuing end the stream.
func TestIssueErrorEndsTheStream(t *testing.T) {
	handler := &Handler{
		RenewalInterval: time.Hour, Bundle: fixed(t),
		Authenticate: func(context.Context) (*slog.Logger, FetchSVIDs, error) {
			return slog.New(slog.DiscardHandler), func(context.Context, *x509bundle.Bundle) ([]*workload.X509SVID, error) {
				return nil, errors.New("workload identity failed evaluation")
			}, nil
		},
	}
	stream := &fakeStream{ctx: t.Context(), requests: make(chan *discovery.DiscoveryRequest, 1)}
	stream.requests <- &discovery.DiscoveryRequest{ResourceNames: []string{"ROOTCA"}}
	if err := handler.StreamSecrets(stream); err == nil || !strings.Contains(err.Error(), "fetching X509 SVIDs") {
		t.Errorf("got %v", err)
	}
}

func TestDeltaIsNotImplemented(t *testing.T) {
	if err := (&Handler{}).DeltaSecrets(nil); status.Code(err) != codes.Unimplemented {
		t.Errorf("got %v", err)
	}
}

// Teleport handler.go, enforceMinimumEnvoyVersion: only for FetchSecrets.
func TestMinimumEnvoyVersion(t *testing.T) {
	at := func(major, minor uint32) *core.Node {
		return &core.Node{UserAgentVersionType: &core.Node_UserAgentBuildVersion{UserAgentBuildVersion: &core.BuildVersion{
			Version: &typev3.SemanticVersion{MajorNumber: major, MinorNumber: minor},
		}}}
	}
	for _, c := range []struct {
		node *core.Node
		good bool
	}{{nil, true}, {at(1, 17), false}, {at(1, 18), true}, {at(1, 40), true}, {at(2, 0), true}} {
		if err := checkEnvoyVersion(&discovery.DiscoveryRequest{Node: c.node}); (err == nil) != c.good {
			t.Errorf("%v: %v", c.node, err)
		}
	}
	f := startStream(t, time.Hour, fixed(t))
	if _, err := f.handler.FetchSecrets(t.Context(), &discovery.DiscoveryRequest{Node: at(1, 17)}); err == nil {
		t.Error("FetchSecrets serves Envoy 1.17")
	}
	response, err := f.handler.FetchSecrets(t.Context(), &discovery.DiscoveryRequest{ResourceNames: []string{"default"}, Node: at(1, 40)})
	if err != nil || fmt.Sprint(names(t, response)) != "[default]" {
		t.Errorf("FetchSecrets: %v", err)
	}
	f.requests <- &discovery.DiscoveryRequest{ResourceNames: []string{"default"}, Node: at(1, 17)}
	f.next(t)
}
