// Package endtoend runs tctl, the auth server and tbot together in one process.
package endtoend

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	envoytls "github.com/envoyproxy/go-control-plane/envoy/extensions/transport_sockets/tls/v3"
	discovery "github.com/envoyproxy/go-control-plane/envoy/service/discovery/v3"
	secret "github.com/envoyproxy/go-control-plane/envoy/service/secret/v3"
	"github.com/gravitational/trace"
	"github.com/spiffe/go-spiffe/v2/workloadapi"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"istio-teleport/lab/go/teleport-double/internal/authserver"
	"istio-teleport/lab/go/teleport-double/internal/clustertest"
	"istio-teleport/lab/go/teleport-double/internal/fileconfig"
	"istio-teleport/lab/go/teleport-double/internal/kubetest"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
	"istio-teleport/lab/go/teleport-double/internal/tbot/process"
	"istio-teleport/lab/go/teleport-double/internal/tctl"
)

const clusterName = "lab.teleport.example"

// quiet drops all logs; a failing test says itself what it missed.
var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// cluster is an auth server, with the key that signs service account tokens.
type cluster struct {
	address     string
	adminSocket string
	config      string
	dataDir     string
	key         kubetest.Key
}

// trustedProxy is the certificate of a proxy that this process trusts.
var trustedProxy clustertest.Proxy

func TestMain(m *testing.M) {
	clustertest.TrustedProxy(m, func(p clustertest.Proxy) { trustedProxy = p })
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	return startClusterBehind(t, trustedProxy)
}

func startClusterBehind(t *testing.T, proxy clustertest.Proxy) *cluster {
	t.Helper()
	c := &cluster{dataDir: t.TempDir(), key: kubetest.NewKey(t, "key-1")}
	webCertificate, err := tls.LoadX509KeyPair(proxy.Certificate, proxy.Key)
	if err != nil {
		t.Fatal(err)
	}
	server, err := authserver.New(authserver.Config{
		DataDir: c.dataDir, ClusterName: clusterName, WebCertificate: &webCertificate, Log: quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	tlsConfig, err := server.BotTLS()
	if err != nil {
		t.Fatal(err)
	}
	bots, err := tls.Listen("tcp", "127.0.0.1:0", tlsConfig)
	if err != nil {
		t.Fatal(err)
	}
	c.address = bots.Addr().String()
	c.config = clustertest.WriteConfig(t, c.dataDir, clusterName, c.address, proxy)
	c.adminSocket = filepath.Join(c.dataDir, "admin.sock")
	admins, err := net.Listen("unix", c.adminSocket)
	if err != nil {
		t.Fatal(err)
	}
	for listener, handler := range map[net.Listener]http.Handler{bots: server.BotHandler(), admins: server.AdminHandler()} {
		s := &http.Server{Handler: handler, ErrorLog: logTo(t)}
		t.Cleanup(func() { s.Close() })
		go s.Serve(listener)
	}
	return c
}

// tctl runs one command and returns what it printed.
func (c *cluster) tctl(t *testing.T, stdin string, arguments ...string) (string, error) {
	t.Helper()
	var stdout bytes.Buffer
	err := tctl.Run(t.Context(), arguments, tctl.Environment{
		Stdin: strings.NewReader(stdin), Stdout: &stdout,
		Getenv: func(name string) string {
			if name == fileconfig.PathEnvironment {
				return c.config
			}
			return ""
		},
	})
	return stdout.String(), err
}

func (c *cluster) mustCreate(t *testing.T, documents string) {
	t.Helper()
	if _, err := c.tctl(t, documents, "create", "-f"); err != nil {
		t.Fatal(err)
	}
}

// events is the text of the audit log.
func (c *cluster) events(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(c.dataDir, "log", "events.log"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const roleAndBot = `
kind: role
version: v7
metadata: {name: issuer}
spec:
  allow:
    workload_identity_labels: {env: [dev]}
    rules:
      - {resources: [workload_identity], verbs: [list, read]}
---
kind: bot
version: v1
metadata: {name: istio-tbot}
spec: {roles: [issuer]}
`

// byUser names workloads by their process, since the test process is in no pod.
const byUser = `
kind: workload_identity
version: v1
metadata: {name: by-user, labels: {env: dev}}
spec:
  spiffe:
    id: /pid/{{ workload.unix.pid }}
    x509: {maximum_ttl: 600s}
`

func (c *cluster) joinToken(t *testing.T) string {
	t.Helper()
	jwks, err := json.Marshal(kubetest.JWKS(t, c.key))
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`
kind: token
version: v2
metadata: {name: istio-tbot-k8s-join}
spec:
  roles: [Bot]
  bot_name: istio-tbot
  join_method: kubernetes
  kubernetes:
    type: static_jwks
    static_jwks: {jwks: %s}
    allow: [{service_account: "teleport-system:tbot"}]
`, jwks)
}

// serviceAccountToken writes a token as the kubelet would project it, and points
// tbot to it.
func (c *cluster) serviceAccountToken(t *testing.T, key kubetest.Key) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "join-sa-token")
	text := key.Sign(t, kubetest.Token{
		Audience: clusterName, Namespace: "teleport-system", Account: "tbot", Pod: "tbot-abcde",
		IssuedAt: time.Now(), TTL: 10 * time.Minute,
	})
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBERNETES_TOKEN_PATH", path)
}

func (c *cluster) tbotConfig(t *testing.T, selector string) (*config.Config, string) {
	t.Helper()
	socket := filepath.Join(t.TempDir(), "socket")
	parsed, err := config.Parse(fmt.Appendf(nil, `
version: v2
onboarding: {join_method: kubernetes, token: istio-tbot-k8s-join}
proxy_server: %s
storage: {type: memory}
credential_ttl: 60s
renewal_interval: 1s
services:
  - type: workload-identity-api
    listen: unix://%s
    attestors: {kubernetes: {enabled: true}}
    selector: %s
    credential_ttl: 60s
    renewal_interval: 1s
`, c.address, socket, selector), quiet)
	if err != nil {
		t.Fatal(err)
	}
	return parsed, socket
}

func (c *cluster) startTbot(t *testing.T, selector string) string {
	t.Helper()
	return c.startTbotWithLog(t, selector, quiet)
}

func (c *cluster) startTbotWithLog(t *testing.T, selector string, log *slog.Logger) string {
	t.Helper()
	parsed, socket := c.tbotConfig(t, selector)
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	go func() { stopped <- process.Run(ctx, parsed, log) }()
	t.Cleanup(func() {
		cancel()
		if err := <-stopped; err != nil {
			t.Errorf("tbot stopped with %v", err)
		}
		if _, err := os.Stat(socket); err == nil {
			t.Error("a clean stop leaves the socket file behind")
		}
	})
	for range 200 {
		// The file is there a moment before anybody listens.
		if connection, err := net.Dial("unix", socket); err == nil {
			connection.Close()
			return socket
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("tbot opened no socket")
	return ""
}

func sdsStream(t *testing.T, socket string, names ...string) secret.SecretDiscoveryService_StreamSecretsClient {
	t.Helper()
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	stream, err := secret.NewSecretDiscoveryServiceClient(connection).StreamSecrets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(&discovery.DiscoveryRequest{ResourceNames: names}); err != nil {
		t.Fatal(err)
	}
	return stream
}

func receiveSecret(t *testing.T, stream secret.SecretDiscoveryService_StreamSecretsClient) *envoytls.Secret {
	t.Helper()
	response, err := stream.Recv()
	if err != nil {
		t.Fatal(err)
	}
	if len(response.Resources) != 1 {
		t.Fatalf("got %d resources, want 1", len(response.Resources))
	}
	var received envoytls.Secret
	if err := response.Resources[0].UnmarshalTo(&received); err != nil {
		t.Fatal(err)
	}
	return &received
}

func leaf(t *testing.T, received *envoytls.Secret) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(received.GetTlsCertificate().GetCertificateChain().GetInlineBytes())
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// The whole hand-off: documents by tctl, join, one stream for the certificate
// and one for the bundle, renewal on the open stream, events.
func TestHandOff(t *testing.T) {
	c := startCluster(t)
	c.mustCreate(t, roleAndBot+"---"+byUser)
	c.mustCreate(t, c.joinToken(t))
	c.serviceAccountToken(t, c.key)
	socket := c.startTbot(t, "{labels: {env: [dev]}}")

	certificates := sdsStream(t, socket, "default")
	first := receiveSecret(t, certificates)
	if first.Name != "default" {
		t.Errorf("secret is called %q", first.Name)
	}
	certificate := leaf(t, first)
	wantID := "spiffe://" + clusterName + "/pid/" + strconv.Itoa(os.Getpid())
	if len(certificate.URIs) != 1 || certificate.URIs[0].String() != wantID {
		t.Errorf("URI SANs are %v, want %s", certificate.URIs, wantID)
	}

	validation := receiveSecret(t, sdsStream(t, socket, "ROOTCA"))
	var validator envoytls.SPIFFECertValidatorConfig
	custom := validation.GetValidationContext().GetCustomValidatorConfig()
	if custom.GetName() != "envoy.tls.cert_validator.spiffe" {
		t.Errorf("validator is %q", custom.GetName())
	}
	if err := custom.GetTypedConfig().UnmarshalTo(&validator); err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(validator.TrustDomains[0].TrustBundle.GetInlineBytes())
	options := x509.VerifyOptions{Roots: roots, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	if _, err := certificate.Verify(options); err != nil {
		t.Errorf("bundle does not verify the certificate: %v", err)
	}

	renewed := leaf(t, receiveSecret(t, certificates))
	if renewed.SerialNumber.Cmp(certificate.SerialNumber) == 0 {
		t.Error("the renewed certificate has the serial number of the first")
	}

	svid, err := workloadapi.FetchX509SVID(t.Context(), workloadapi.WithAddr("unix://"+socket))
	if err != nil {
		t.Fatal(err)
	}
	if svid.ID.String() != wantID {
		t.Errorf("Workload API gave %s", svid.ID)
	}

	// kubernetes is no renewable join method: each renewal of the bot's own
	// credential is a join (Teleport lib/tbot/internal/identity/service.go).
	events := c.events(t)
	for range 200 {
		if strings.Count(events, `"event":"bot.join"`) > 1 {
			break
		}
		time.Sleep(20 * time.Millisecond)
		events = c.events(t)
	}
	if strings.Count(events, `"event":"bot.join"`) < 2 {
		t.Error("tbot did not join again")
	}
	for _, want := range []string{
		`"event":"bot.join"`, `"success":true`, `"event":"spiffe.svid.issued"`, `"spiffe_id":"` + wantID + `"`,
		`"pod":{"name":"tbot-abcde"}`, `"bot_name":"istio-tbot"`,
	} {
		if !strings.Contains(events, want) {
			t.Errorf("events lack %s", want)
		}
	}
}

// The first failed join ends the process with "joining with token" (Teleport
// lib/tbot/internal/identity/service.go), in the validator's words.
func TestFirstFailedJoinEndsTheProcess(t *testing.T) {
	c := startCluster(t)
	c.mustCreate(t, roleAndBot)
	c.mustCreate(t, c.joinToken(t))
	c.serviceAccountToken(t, kubetest.NewKey(t, "another-key"))
	parsed, socket := c.tbotConfig(t, "{name: by-user}")
	err := process.Run(t.Context(), parsed, quiet)
	if err == nil {
		t.Fatal("tbot continues without a credential")
	}
	for _, want := range []string{"joining with token", "reviewing kubernetes token with static_jwks", "validating jwt signature"} {
		if !strings.Contains(trace.UserMessage(err), want) {
			t.Errorf("error lacks %q: %s", want, trace.UserMessage(err))
		}
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("tbot listens before it has joined")
	}
	events := c.events(t)
	if !strings.Contains(events, `"success":false`) || !strings.Contains(events, "validating jwt signature") {
		t.Errorf("no event of the failed join: %s", events)
	}
}

// tbot trusts a proxy whose certificate its system trusts, and no other: docs,
// machine-id troubleshooting; the words are Go's crypto/tls.
func TestUntrustedProxy(t *testing.T) {
	untrusted, err := clustertest.NewProxy(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	c := startClusterBehind(t, untrusted)
	c.mustCreate(t, roleAndBot)
	c.mustCreate(t, c.joinToken(t))
	c.serviceAccountToken(t, c.key)
	parsed, _ := c.tbotConfig(t, "{name: by-user}")
	err = process.Run(t.Context(), parsed, quiet)
	if err == nil || !strings.Contains(trace.UserMessage(err), "tls: failed to verify certificate: x509: certificate signed by unknown authority") {
		t.Errorf("join: %v", err)
	}
	if strings.Contains(c.events(t), "bot.join") {
		t.Error("tbot shows its token to a proxy that it does not trust")
	}
}

// Where no SVID is issued, Envoy sees left-over names and a Workload API client
// PermissionDenied (Teleport lib/tbot/internal/sds/handler.go and
// lib/tbot/services/workloadidentity/workload_api.go). The test process is in no
// pod, so the Kubernetes attestation fails, softly.
func TestNoSVIDForAnUnattestedWorkload(t *testing.T) {
	c := startCluster(t)
	c.mustCreate(t, roleAndBot+`---
kind: workload_identity
version: v1
metadata: {name: by-pod, labels: {env: dev}}
spec: {spiffe: {id: "/ns/{{ workload.kubernetes.namespace }}/sa/{{ workload.kubernetes.service_account }}"}}
`)
	c.mustCreate(t, c.joinToken(t))
	c.serviceAccountToken(t, c.key)

	byLabels := c.startTbot(t, "{labels: {env: [dev]}}")
	_, err := sdsStream(t, byLabels, "default").Recv()
	if !strings.Contains(fmt.Sprint(err), "unknown resource names: [default]") {
		t.Errorf("SDS: %v", err)
	}
	// A stream for the bundle alone works: nothing is left over.
	receiveSecret(t, sdsStream(t, byLabels, "ROOTCA"))
	_, err = workloadapi.FetchX509SVID(t.Context(), workloadapi.WithAddr("unix://"+byLabels))
	if status.Code(err) != codes.PermissionDenied || !strings.Contains(err.Error(), "workload did not pass attestation for any SVIDs") {
		t.Errorf("Workload API: %v", err)
	}

	byName := c.startTbot(t, "{name: by-pod}")
	for _, name := range []string{"default", "ROOTCA"} {
		_, err := sdsStream(t, byName, name).Recv()
		for _, want := range []string{"workload identity failed evaluation", "workload.kubernetes is unset"} {
			if !strings.Contains(fmt.Sprint(err), want) {
				t.Errorf("SDS %s: error lacks %q: %v", name, want, err)
			}
		}
	}
}

// Teleport lib/tbot/services/workloadidentity/workload_api.go@05afd4fe8d: a bot
// whose role is missing joins, and 10 s later tbot has ended, with these words and
// without a socket. Why stands in the log only.
func TestMissingRoleEndsTheProcess(t *testing.T) {
	c := startCluster(t)
	c.mustCreate(t, "kind: bot\nversion: v1\nmetadata: {name: istio-tbot}\nspec: {roles: [issuer]}\n")
	c.mustCreate(t, c.joinToken(t))
	c.serviceAccountToken(t, c.key)
	parsed, socket := c.tbotConfig(t, "{name: by-user}")
	var logged logBuffer
	err := process.Run(t.Context(), parsed, slog.New(slog.NewTextHandler(&logged, nil)))
	if err == nil {
		t.Fatal("tbot continues without a working credential")
	}
	for _, want := range []string{"service(workload-identity-api-1)", "timeout waiting for identity to be ready"} {
		if !strings.Contains(trace.UserMessage(err), want) {
			t.Errorf("error lacks %q: %s", want, trace.UserMessage(err))
		}
	}
	for _, want := range []string{"generating identity", "role issuer is not found", "Service exited with error"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("log lacks %q", want)
		}
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("tbot listened")
	}
}

// Teleport lib/auth/machineid/workloadidentityv1/decision.go@af52f1e3, and
// lib/tbot/services/workloadidentity/workload_api.go@05afd4fe8d with
// lib/tbot/internal/sds/handler.go@02a2029fd9: asked by name, the reason of a
// refusal goes to the caller, so to Envoy's log, and not into tbot's. That the
// attestation failed stands in tbot's log, as a warning.
func TestRefusalByName(t *testing.T) {
	c := startCluster(t)
	c.mustCreate(t, roleAndBot+`---
kind: workload_identity
version: v1
metadata: {name: ruled, labels: {env: dev}}
spec:
  spiffe: {id: /x}
  rules: {allow: [{conditions: [{attribute: workload.kubernetes.namespace, eq: {value: test-app}}]}]}
`)
	c.mustCreate(t, c.joinToken(t))
	c.serviceAccountToken(t, c.key)
	var logged logBuffer
	socket := c.startTbotWithLog(t, "{name: ruled}", slog.New(slog.NewTextHandler(&logged, nil)))
	for _, name := range []string{"default", "ROOTCA"} {
		_, err := sdsStream(t, socket, name).Recv()
		// trace writes each wrapped message on a line of its own, indented.
		text := strings.Join(strings.Fields(fmt.Sprint(err)), " ")
		want := "fetching X509 SVIDs workload identity failed evaluation attributes did not pass rule evaluation no matching rule found"
		if !strings.Contains(text, want) {
			t.Errorf("%s: %s", name, text)
		}
	}
	log := logged.String()
	if strings.Contains(log, "no matching rule found") || strings.Contains(log, "failed evaluation") {
		t.Errorf("tbot's log has the reason: %s", log)
	}
	if !strings.Contains(log, `level=WARN msg="Failed to perform Kubernetes workload attestation"`) {
		t.Errorf("tbot's log lacks the failed attestation: %s", log)
	}

	// By labels the reason reaches nobody.
	byLabels := c.startTbotWithLog(t, "{labels: {env: [dev]}}", slog.New(slog.NewTextHandler(&logged, nil)))
	_, err := sdsStream(t, byLabels, "default").Recv()
	if text := fmt.Sprint(err); !strings.Contains(text, "unknown resource names: [default]") || strings.Contains(text, "no matching rule found") {
		t.Errorf("by labels: %s", text)
	}
}

// Teleport api/client/webclient: the proxy says its version without credentials,
// on the address that tbot has.
func TestWebPing(t *testing.T) {
	c := startCluster(t)
	anybody := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	answer, err := anybody.Get("https://" + c.address + "/webapi/ping")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var ping map[string]string
	if err := json.NewDecoder(answer.Body).Decode(&ping); err != nil {
		t.Fatal(err)
	}
	if ping["server_version"] != "18.11.0+teleport-double" || ping["cluster_name"] != clusterName {
		t.Errorf("%v", ping)
	}
}
