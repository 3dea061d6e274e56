package authserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/trace"
	"sigs.k8s.io/yaml"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/audit"
	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/kubetest"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

const clusterName = "lab.teleport.example"

// fixture is a server with one bot that may join and issue.
type fixture struct {
	*Server
	dataDir string
	key     kubetest.Key
}

const roleAndBot = `
kind: role
version: v7
metadata: {name: issuer}
spec:
  allow:
    workload_identity_labels: {env: [dev]}
    rules: [{resources: [workload_identity], verbs: [list, read]}]
---
kind: bot
version: v1
metadata: {name: istio-tbot}
spec: {roles: [issuer]}
`

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return newFixtureAhead(t, 0)
}

// newFixtureAhead is a server whose clock is ahead of the machine's.
func newFixtureAhead(t *testing.T, offset time.Duration) *fixture {
	t.Helper()
	f := &fixture{dataDir: t.TempDir(), key: kubetest.NewKey(t, "key-1")}
	server, err := New(Config{
		DataDir:     f.dataDir,
		ClusterName: clusterName,
		ClockOffset: offset,
		Log:         slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	f.Server = server
	f.create(t, roleAndBot)
	f.createToken(t, kubetest.JWKS(t, f.key))
	return f
}

func (f *fixture) create(t *testing.T, documents string) {
	t.Helper()
	for document := range strings.SplitSeq(documents, "---\n") {
		text, err := yaml.YAMLToJSON([]byte(document))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.put(nil, authapi.PutRequest{Document: text, Force: true}); err != nil {
			t.Fatalf("%v: %s", err, document)
		}
	}
}

func (f *fixture) createToken(t *testing.T, jwks string) {
	t.Helper()
	quoted, err := json.Marshal(jwks)
	if err != nil {
		t.Fatal(err)
	}
	f.create(t, fmt.Sprintf(`{kind: token, version: v2, metadata: {name: join}, spec: {roles: [bot], bot_name: istio-tbot, join_method: kubernetes,
  kubernetes: {type: static_jwks, static_jwks: {jwks: %s}, allow: [{service_account: "teleport-system:tbot"}]}}}`, quoted))
}

func (f *fixture) createIdentity(t *testing.T, name, labels, spec string) {
	t.Helper()
	f.create(t, fmt.Sprintf("{kind: workload_identity, version: v1, metadata: {name: %s, labels: %s}, spec: %s}", name, labels, spec))
}

func publicKey(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func (f *fixture) joinRequest(t *testing.T) authapi.JoinRequest {
	t.Helper()
	return authapi.JoinRequest{
		TokenName: "join", JoinMethod: "kubernetes", PublicKey: publicKey(t), Expires: time.Now().Add(time.Hour),
		IDToken: f.key.Sign(t, kubetest.Token{
			Audience: clusterName, Namespace: "teleport-system", Account: "tbot", Pod: "tbot-1",
			IssuedAt: time.Now(), TTL: 10 * time.Minute,
		}),
	}
}

// from is a request over a connection with the certificate, or without one.
func from(certificate *x509.Certificate) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.TLS = &tls.ConnectionState{}
	if certificate != nil {
		r.TLS.VerifiedChains = [][]*x509.Certificate{{certificate}}
	}
	return r
}

func (f *fixture) mustJoin(t *testing.T, r *http.Request, request authapi.JoinRequest) *x509.Certificate {
	t.Helper()
	response, err := f.join(r, request)
	return mustParse(t, response.Certificate, err)
}

func (f *fixture) mustImpersonate(t *testing.T, r *http.Request, ttl time.Duration) *x509.Certificate {
	t.Helper()
	response, err := f.impersonate(r, authapi.ImpersonateRequest{PublicKey: publicKey(t), Expires: f.now().Add(ttl)})
	return mustParse(t, response.Certificate, err)
}

func mustParse(t *testing.T, der []byte, err error) *x509.Certificate {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

// working is a credential that may issue: a bot's, with its roles.
func (f *fixture) working(t *testing.T) *x509.Certificate {
	t.Helper()
	return f.mustImpersonate(t, from(f.mustJoin(t, from(nil), f.joinRequest(t))), time.Hour)
}

func (f *fixture) events(t *testing.T) []audit.Event {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(f.dataDir, "log", "events.log"))
	if err != nil {
		t.Fatal(err)
	}
	var events []audit.Event
	for line := range strings.Lines(string(text)) {
		var event audit.Event
		if err := json.Unmarshal([]byte(line), &event); err != nil {
			t.Fatal(err)
		}
		events = append(events, event)
	}
	return events
}

var attested = &attribute.Workload{
	Unix:       &attribute.Unix{Attested: true},
	Kubernetes: &attribute.Kubernetes{Attested: true, Namespace: "test-app", ServiceAccount: "client"},
}

const bySA = `{spiffe: {id: "/ns/{{ workload.kubernetes.namespace }}/sa/{{ workload.kubernetes.service_account }}"}}`

// Teleport lib/auth/join.go.
func TestJoinIsRefused(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(t *testing.T, f *fixture, request *authapi.JoinRequest)
		fails string
	}{
		{"no such token", func(_ *testing.T, _ *fixture, r *authapi.JoinRequest) { r.TokenName = "nobody" }, "token expired or not found"},
		{"expired token", func(t *testing.T, f *fixture, _ *authapi.JoinRequest) {
			f.create(t, `{kind: token, version: v2, metadata: {name: join, expires: "2020-01-01T00:00:00Z"}, spec: {roles: [Bot], bot_name: istio-tbot, join_method: kubernetes, kubernetes: {allow: [{service_account: "a:b"}]}}}`)
		}, "token expired or not found"},
		{"other join method", func(_ *testing.T, _ *fixture, r *authapi.JoinRequest) { r.JoinMethod = "token" }, "this token is only valid for the kubernetes join method"},
		{"token for other roles", func(t *testing.T, f *fixture, _ *authapi.JoinRequest) {
			f.create(t, `{kind: token, version: v2, metadata: {name: join}, spec: {roles: [Node], join_method: kubernetes, kubernetes: {allow: [{service_account: "a:b"}]}}}`)
		}, `the token does not allow "Bot" role`},
		{"no such bot", func(_ *testing.T, f *fixture, _ *authapi.JoinRequest) {
			if err := f.resources.Delete(resource.KindBot, "istio-tbot"); err != nil {
				t.Fatal(err)
			}
		}, `user "bot-istio-tbot" not found`},
		// Written without a word, refused here (Teleport lib/kube/token/validator.go).
		{"JWKS that is none", func(t *testing.T, f *fixture, _ *authapi.JoinRequest) { f.createToken(t, `{\"keys\":[]}`) }, "parsing provided jwks invalid character '\\\\' looking for beginning of object key string"},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t)
			request := f.joinRequest(t)
			c.spoil(t, f, &request)
			_, err := f.join(from(nil), request)
			// trace writes a wrapped message on a line of its own, indented.
			if text := strings.Join(strings.Fields(trace.UserMessage(err)), " "); err == nil || !strings.Contains(text, c.fails) {
				t.Errorf("got error %q, want %q", text, c.fails)
			}
			last := f.events(t)[0]
			if last.Type != audit.TypeBotJoin || last.Code != audit.CodeBotJoinFailure || *last.Success || last.Error == "" {
				t.Errorf("event: %+v", last)
			}
		})
	}
}

// Teleport lib/tbot/internal/identity/service.go: a renewal over the old
// credential keeps the bot instance, a start from nothing makes a new one.
func TestBotInstance(t *testing.T) {
	f := newFixture(t)
	first := f.mustJoin(t, from(nil), f.joinRequest(t))
	f.mustJoin(t, from(first), f.joinRequest(t))
	f.mustJoin(t, from(nil), f.joinRequest(t))
	events := f.events(t)
	if events[0].BotInstanceID == "" || events[1].BotInstanceID != events[0].BotInstanceID {
		t.Errorf("renewal changed the instance: %q, %q", events[0].BotInstanceID, events[1].BotInstanceID)
	}
	if events[2].BotInstanceID == events[0].BotInstanceID {
		t.Error("a new join kept the instance")
	}
}

// Teleport lib/auth/machineid/machineidv1/bot_service.go and
// defaults.DefaultBotMaxSessionTTL.
func TestBotCredentialIsCapped(t *testing.T) {
	f := newFixture(t)
	request := f.joinRequest(t)
	request.Expires = time.Now().Add(48 * time.Hour)
	checkEnd(t, f.mustJoin(t, from(nil), request), 12*time.Hour)
	f.create(t, `{kind: bot, version: v1, metadata: {name: istio-tbot}, spec: {roles: [issuer], max_session_ttl: 1800s}}`)
	checkEnd(t, f.mustJoin(t, from(nil), request), 30*time.Minute)
	request.Expires = time.Now().Add(time.Minute)
	checkEnd(t, f.mustJoin(t, from(nil), request), time.Minute)
}

func checkEnd(t *testing.T, certificate *x509.Certificate, want time.Duration) {
	t.Helper()
	if got := time.Until(certificate.NotAfter); got < want-5*time.Second || got > want+time.Second {
		t.Errorf("credential lives %s, want %s", got, want)
	}
}

func (f *fixture) issueRequest(t *testing.T, name string, labels map[string][]string) authapi.IssueRequest {
	t.Helper()
	return authapi.IssueRequest{Name: name, Labels: labels, PublicKey: publicKey(t), Workload: attested}
}

var dev = map[string][]string{"env": {"dev"}}

func TestIssueNeedsALivingCredential(t *testing.T) {
	f := newFixture(t)
	f.createIdentity(t, "a", "{env: dev}", bySA)
	certificate := f.working(t)
	if _, err := f.issue(from(nil), f.issueRequest(t, "a", nil)); !trace.IsAccessDenied(err) {
		t.Errorf("without a credential: %v", err)
	}
	f.now = func() time.Time { return certificate.NotAfter.Add(time.Second) }
	if _, err := f.issue(from(certificate), f.issueRequest(t, "a", nil)); !trace.IsAccessDenied(err) {
		t.Errorf("with an expired credential: %v", err)
	}
}

// A server that is 5 minutes ahead issues what is not valid yet; one that is
// behind takes no token of now, and issues what ends 5 minutes too early.
func TestClockOffset(t *testing.T) {
	const offset = 5 * time.Minute
	ahead := newFixtureAhead(t, offset)
	ahead.createIdentity(t, "a", "{env: dev}", bySA)
	credential := ahead.mustJoin(t, from(nil), ahead.joinRequest(t))
	checkTime(t, "credential's start", credential.NotBefore, offset-time.Minute)
	working := ahead.mustImpersonate(t, from(credential), time.Hour)
	checkTime(t, "working credential's start", working.NotBefore, offset-time.Minute)
	svid := ahead.mustIssue(t, from(working), "a")
	checkTime(t, "start", svid.NotBefore, offset-time.Minute)
	checkTime(t, "end", svid.NotAfter, offset+time.Hour)

	behind := newFixtureAhead(t, -offset)
	behind.createIdentity(t, "a", "{env: dev}", bySA)
	if _, err := behind.join(from(nil), behind.joinRequest(t)); err == nil || !strings.Contains(err.Error(), "token not valid yet") {
		t.Errorf("join with a token of now: %v", err)
	}
	svid = behind.mustIssue(t, from(working), "a")
	checkTime(t, "end", svid.NotAfter, time.Hour-offset)
	tlsConfig, err := behind.BotTLS()
	if err != nil {
		t.Fatal(err)
	}
	checkTime(t, "clock for credentials", tlsConfig.Time(), -offset)
}

func (f *fixture) mustIssue(t *testing.T, r *http.Request, name string) *x509.Certificate {
	t.Helper()
	response, err := f.issue(r, f.issueRequest(t, name, nil))
	if err != nil {
		t.Fatal(err)
	}
	certificate, err := x509.ParseCertificate(response.Credentials[0].Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return certificate
}

func checkTime(t *testing.T, what string, got time.Time, wantFromNow time.Duration) {
	t.Helper()
	if difference := time.Until(got) - wantFromNow; difference.Abs() > 5*time.Second {
		t.Errorf("%s is in %s, want %s", what, time.Until(got), wantFromNow)
	}
}

// Teleport lib/auth/machineid/workloadidentityv1/issuer_service.go: a failing
// rule is an error for a selector by name, and silence for one by labels.
func TestSelectors(t *testing.T) {
	f := newFixture(t)
	f.createIdentity(t, "a-refused", "{env: dev}", `{spiffe: {id: /a}, rules: {allow: [{expression: "false"}]}}`)
	f.createIdentity(t, "c-good", "{env: dev}", bySA)
	f.createIdentity(t, "b-good", "{env: dev}", `{spiffe: {id: /b}}`)
	f.createIdentity(t, "other-label", "{env: prod}", `{spiffe: {id: /p}}`)
	r := from(f.working(t))

	response, err := f.issue(r, f.issueRequest(t, "", dev))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, credential := range response.Credentials {
		got = append(got, credential.SPIFFEID)
	}
	// In the order of the resources' names.
	want := "spiffe://" + clusterName + "/b spiffe://" + clusterName + "/ns/test-app/sa/client"
	if strings.Join(got, " ") != want {
		t.Errorf("by labels: %v", got)
	}

	for name, fails := range map[string]string{
		"a-refused":   "workload identity failed evaluation",
		"nobody":      `workload_identity "nobody" doesn't exist`,
		"other-label": "access to workload_identity denied",
	} {
		if _, err := f.issue(r, f.issueRequest(t, name, nil)); err == nil || !strings.Contains(trace.UserMessage(err), fails) {
			t.Errorf("by name %s: %v", name, err)
		}
	}

	issued, err := f.issue(r, f.issueRequest(t, "c-good", nil))
	if err != nil {
		t.Fatal(err)
	}
	events := f.events(t)
	last := events[len(events)-1]
	credential := issued.Credentials[0]
	certificate, err := x509.ParseCertificate(credential.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	if last.Type != audit.TypeSPIFFESVIDIssued || last.SPIFFEID != credential.SPIFFEID || last.NameSelector != "c-good" ||
		last.BotName != "istio-tbot" || last.Attributes.Workload.Kubernetes.Namespace != "test-app" ||
		last.Attributes.Join.Kubernetes.Pod.Name != "tbot-1" {
		t.Errorf("event: %+v", last)
	}
	if serial := strings.ReplaceAll(last.SerialNumber, ":", ""); serial != fmt.Sprintf("%0*x", len(serial), certificate.SerialNumber) {
		t.Errorf("event names serial %s, certificate has %x", last.SerialNumber, certificate.SerialNumber)
	}
}

// The attribute user.bot_instance_id exists, so that rules and templates may name
// it, and Teleport never sets it (facts of 2026-11-28, section 10.8).
func TestBotInstanceIsNoAttribute(t *testing.T) {
	f := newFixture(t)
	f.createIdentity(t, "a", "{env: dev}", `{spiffe: {id: "/{{ user.bot_instance_id }}"}}`)
	f.createIdentity(t, "b", "{env: dev}", `{spiffe: {id: "/{{ user.bot_name }}"}}`)
	r := from(f.working(t))
	if _, err := f.issue(r, f.issueRequest(t, "a", nil)); err == nil || !strings.Contains(err.Error(), "user.bot_instance_id is unset") {
		t.Errorf("in a template: %v", err)
	}
	f.mustIssue(t, r, "b")
	if last := f.events(t)[1]; last.Attributes.User.BotInstanceID != "" || last.BotInstanceID == "" {
		t.Errorf("event: %+v", last)
	}
}

// Teleport lib/cryptosuites/suites.go: Teleport's setting decides what keys tbot
// makes; a new cluster has balanced-v1, one that sets none has legacy.
func TestSignatureAlgorithmSuite(t *testing.T) {
	f := newFixture(t)
	for _, c := range []struct{ document, want string }{
		{"", "balanced-v1"},
		{`{kind: cluster_auth_preference, version: v2, spec: {signature_algorithm_suite: legacy}}`, "legacy"},
		{`{kind: cluster_auth_preference, version: v2, spec: {signature_algorithm_suite: balanced-v1}}`, "balanced-v1"},
		{`{kind: cluster_auth_preference, version: v2, spec: {type: local}}`, "legacy"},
	} {
		if c.document != "" {
			f.create(t, c.document)
		}
		ping, err := f.ping(nil, struct{}{})
		if err != nil || ping.SignatureAlgorithmSuite != c.want {
			t.Errorf("after %s: %q, %v", c.document, ping.SignatureAlgorithmSuite, err)
		}
	}
}

// Teleport issuer_service.go, maxWorkloadIdentitiesIssued.
func TestMoreThanTenAreRefused(t *testing.T) {
	f := newFixture(t)
	for i := range 10 {
		f.createIdentity(t, fmt.Sprintf("w-%02d", i), "{env: dev}", `{spiffe: {id: /x}}`)
	}
	r := from(f.working(t))
	if _, err := f.issue(r, f.issueRequest(t, "", dev)); err != nil {
		t.Errorf("ten: %v", err)
	}
	f.createIdentity(t, "w-10", "{env: dev}", `{spiffe: {id: /x}}`)
	_, err := f.issue(r, f.issueRequest(t, "", dev))
	if err == nil || !strings.Contains(err.Error(), "exceeds maximum permitted (max = 10)") {
		t.Errorf("eleven: %v", err)
	}
}

// A role that does not exist is accepted with the bot, and a bot without roles
// too. No working credential comes from either (Teleport
// lib/auth/auth_with_roles.go@00066f3506, desiredAccessInfoForRoleRequest), and one
// that is there stops working when its role is removed.
func TestRoleThatDoesNotExist(t *testing.T) {
	f := newFixture(t)
	f.createIdentity(t, "a", "{env: dev}", bySA)
	bot := from(f.mustJoin(t, from(nil), f.joinRequest(t)))
	working := from(f.mustImpersonate(t, bot, time.Hour))
	for _, c := range []struct{ roles, fails string }{
		{"[nobody]", "role nobody is not found"},
		{"[issuer, nobody]", "role nobody is not found"},
		{"[]", "at least one role request is required"},
	} {
		f.create(t, `{kind: bot, version: v1, metadata: {name: istio-tbot}, spec: {roles: `+c.roles+`}}`)
		_, err := f.impersonate(bot, authapi.ImpersonateRequest{PublicKey: publicKey(t), Expires: time.Now().Add(time.Hour)})
		if err == nil || !strings.Contains(err.Error(), c.fails) {
			t.Errorf("roles %s: %v", c.roles, err)
		}
	}
	if _, err := f.issue(working, f.issueRequest(t, "a", nil)); err != nil {
		t.Errorf("with the roles of before: %v", err)
	}
	if err := f.resources.Delete(resource.KindRole, "issuer"); err != nil {
		t.Fatal(err)
	}
	if _, err := f.issue(working, f.issueRequest(t, "a", nil)); err == nil || !strings.Contains(err.Error(), "role issuer is not found") {
		t.Errorf("without its role: %v", err)
	}
}

// Teleport lib/auth/auth_with_roles.go@00066f3506: a bot's own credential has no
// role that issues, and an impersonated one gets no further ones.
func TestTwoCredentials(t *testing.T) {
	f := newFixture(t)
	f.createIdentity(t, "a", "{env: dev}", bySA)
	bot := from(f.mustJoin(t, from(nil), f.joinRequest(t)))
	for _, request := range []authapi.IssueRequest{f.issueRequest(t, "a", nil), f.issueRequest(t, "", dev)} {
		if _, err := f.issue(bot, request); !trace.IsAccessDenied(err) {
			t.Errorf("issued to the bot's own credential: %v", err)
		}
	}
	working := from(f.mustImpersonate(t, bot, time.Hour))
	request := authapi.ImpersonateRequest{PublicKey: publicKey(t), Expires: time.Now().Add(time.Hour)}
	if _, err := f.impersonate(working, request); err == nil || !strings.Contains(err.Error(), "identity is not allowed to reissue certificates") {
		t.Errorf("from an impersonated credential: %v", err)
	}
	request.Expires = time.Now().Add(-time.Minute)
	if _, err := f.impersonate(bot, request); !trace.IsAccessDenied(err) {
		t.Errorf("with an end in the past: %v", err)
	}
}

// Teleport issuer_service.go, matchingAndAuthorizedWorkloadIdentities: what the
// roles' labels don't reach is left out in silence.
func TestLabelsOutOfReachAreLeftOut(t *testing.T) {
	f := newFixture(t)
	f.createIdentity(t, "a", "{env: dev, tier: web}", `{spiffe: {id: /a}}`)
	f.createIdentity(t, "b", "{env: prod, tier: web}", `{spiffe: {id: /b}}`)
	r := from(f.working(t))
	response, err := f.issue(r, f.issueRequest(t, "", map[string][]string{"tier": {"web"}}))
	if err != nil || len(response.Credentials) != 1 || response.Credentials[0].WorkloadIdentity != "a" {
		t.Errorf("got %+v, %v", response, err)
	}
}

// Teleport issuer_service.go, CheckMaybeHasAccessToRules: without the rules a
// selector by labels is an error like one by name, not an empty answer.
func TestWithoutRulesIssuingIsDenied(t *testing.T) {
	f := newFixture(t)
	f.createIdentity(t, "a", "{env: dev}", bySA)
	r := from(f.working(t))
	f.create(t, `{kind: role, version: v7, metadata: {name: issuer}, spec: {allow: {workload_identity_labels: {env: [dev]}}}}`)
	for _, request := range []authapi.IssueRequest{f.issueRequest(t, "", dev), f.issueRequest(t, "a", nil)} {
		if _, err := f.issue(r, request); !trace.IsAccessDenied(err) {
			t.Errorf("got %v", err)
		}
	}
}

// The authorities stay the same over a restart of the server.
func TestRestartKeepsTheAuthorities(t *testing.T) {
	f := newFixture(t)
	again, err := New(Config{DataDir: f.dataDir, ClusterName: clusterName, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if !again.spiffeCA.Active().Certificate().Equal(f.spiffeCA.Active().Certificate()) || !again.hostCA.Certificate().Equal(f.hostCA.Certificate()) {
		t.Error("a restart made new authorities")
	}
}

// Teleport lib/auth/rotate.go: SVIDs are signed by the old authority until
// update_clients, and by the new one from then on; bots get both meanwhile.
func TestRotationChangesWhoSigns(t *testing.T) {
	f := newFixture(t)
	f.createIdentity(t, "a", "{env: dev}", bySA)
	r := from(f.working(t))
	old := f.spiffeCA.Active().Certificate()
	for _, c := range []struct {
		phase   authority.Phase
		byOld   bool
		trusted int
	}{
		{authority.PhaseInit, true, 2},
		{authority.PhaseUpdateClients, false, 2},
		{authority.PhaseUpdateServers, false, 2},
		{authority.PhaseStandby, false, 1},
	} {
		rotate := authapi.RotateRequest{Type: "spiffe", Manual: true, GracePeriod: time.Hour, TargetPhase: c.phase}
		if _, err := f.rotate(nil, rotate); err != nil {
			t.Fatal(err)
		}
		issued, err := f.issue(r, f.issueRequest(t, "a", nil))
		if err != nil {
			t.Fatal(err)
		}
		certificate, err := x509.ParseCertificate(issued.Credentials[0].Certificate)
		if err != nil {
			t.Fatal(err)
		}
		bundle, err := f.bundle(r, struct{}{})
		if err != nil {
			t.Fatal(err)
		}
		if byOld := certificate.CheckSignatureFrom(old) == nil; byOld != c.byOld || len(bundle.X509Authorities) != c.trusted {
			t.Errorf("%s: signed by the old one %t, %d in the bundle", c.phase, byOld, len(bundle.X509Authorities))
		}
	}
}
