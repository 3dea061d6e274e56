package issuance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

const clusterName = "lab.teleport.example"

var attested = &attribute.Attrs{Workload: &attribute.Workload{
	Unix:       &attribute.Unix{Attested: true},
	Kubernetes: &attribute.Kubernetes{Attested: true, Namespace: "test-app", ServiceAccount: "client"},
}}

var unattested = &attribute.Attrs{Workload: &attribute.Workload{Unix: &attribute.Unix{Attested: true}}}

func identity(spiffe resource.SPIFFE, rules ...resource.WorkloadIdentityRule) *resource.WorkloadIdentity {
	return &resource.WorkloadIdentity{
		Metadata: &resource.Metadata{Name: "istio-workloads"},
		Spec:     &resource.WorkloadIdentitySpec{SPIFFE: spiffe, Rules: resource.WorkloadIdentityRules{Allow: rules}},
	}
}

func conditions(list ...resource.Condition) resource.WorkloadIdentityRule {
	return resource.WorkloadIdentityRule{Conditions: list}
}

func byExpression(source string) resource.WorkloadIdentityRule {
	return resource.WorkloadIdentityRule{Expression: source}
}

// Teleport lib/auth/machineid/workloadidentityv1/decision.go.
func TestRules(t *testing.T) {
	namespace := func(c resource.Condition) resource.Condition {
		c.Attribute = "workload.kubernetes.namespace"
		return c
	}
	eq := namespace(resource.Condition{Eq: &resource.ConditionValue{Value: "test-app"}})
	notEq := namespace(resource.Condition{NotEq: &resource.ConditionValue{Value: "kube-system"}})
	in := namespace(resource.Condition{In: &resource.ConditionList{Values: []string{"a", "test-app"}}})
	notIn := namespace(resource.Condition{NotIn: &resource.ConditionList{Values: []string{"kube-system"}}})
	never := namespace(resource.Condition{Eq: &resource.ConditionValue{Value: "never"}})
	unknown := resource.Condition{Attribute: "workload.kubernetes.node", Eq: &resource.ConditionValue{Value: "x"}}
	for _, c := range []struct {
		name  string
		rules []resource.WorkloadIdentityRule
		attrs *attribute.Attrs
		fails string
	}{
		{"no rules", nil, unattested, ""},
		{"eq", []resource.WorkloadIdentityRule{conditions(eq)}, attested, ""},
		{"in", []resource.WorkloadIdentityRule{conditions(in)}, attested, ""},
		{"all conditions of a rule", []resource.WorkloadIdentityRule{conditions(eq, never)}, attested, "no matching rule found"},
		{"any rule", []resource.WorkloadIdentityRule{conditions(never), conditions(eq)}, attested, ""},
		{"expression", []resource.WorkloadIdentityRule{byExpression(`workload.kubernetes.namespace == "test-app"`)}, attested, ""},
		{"eq unattested", []resource.WorkloadIdentityRule{conditions(eq)}, unattested, "no matching rule found"},
		// An unset attribute is "", so these two PASS for anyone.
		{"not_eq unattested", []resource.WorkloadIdentityRule{conditions(notEq)}, unattested, ""},
		{"not_in unattested", []resource.WorkloadIdentityRule{conditions(notIn)}, unattested, ""},
		// An error ends it, although the next rule would hold.
		{"unknown attribute first", []resource.WorkloadIdentityRule{conditions(unknown), conditions(eq)}, attested, `attribute "node" not found`},
		{"unset message first", []resource.WorkloadIdentityRule{byExpression(`workload.kubernetes.attested`), conditions(notEq)}, unattested, "workload.kubernetes is unset"},
		{"unset message second", []resource.WorkloadIdentityRule{conditions(notEq), byExpression(`workload.kubernetes.attested`)}, unattested, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Decide(identity(resource.SPIFFE{ID: "/x"}, c.rules...), c.attrs)
			switch {
			case c.fails == "" && err != nil:
				t.Error(err)
			case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
				t.Errorf("got error %v, want %q", err, c.fails)
			case c.fails != "" && !strings.Contains(err.Error(), "attributes did not pass rule evaluation"):
				t.Errorf("error does not say where: %v", err)
			}
		})
	}
}

// Teleport decision.go: every label of a DNS SAN starts with a letter.
func TestDNSNames(t *testing.T) {
	for name, good := range map[string]bool{
		"client.test-app.svc": true, "{{ workload.kubernetes.namespace }}.svc": true,
		"*.test-app.svc": true, "1.test-app.svc": true, "a.*.svc": false, "*": false, "a_b.svc": false, "Client.svc": false, "": false,
	} {
		_, err := Decide(identity(resource.SPIFFE{ID: "/x", X509: resource.X509{DNSSANs: []string{name}}}), attested)
		if (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
		if err != nil && !strings.Contains(err.Error(), "resulted in an invalid DNS name") {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func newAuthority(t *testing.T) *authority.Authority {
	t.Helper()
	ca, err := authority.LoadOrCreate(t.TempDir(), "spiffe", authority.Options{CommonName: clusterName, TTL: 48 * time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	return ca
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

func sign(t *testing.T, spiffe resource.SPIFFE, requested time.Duration, now time.Time) (*x509.Certificate, error) {
	t.Helper()
	decided, err := Decide(identity(spiffe), attested)
	if err != nil {
		t.Fatal(err)
	}
	svid, err := SignX509(newAuthority(t), clusterName, decided, publicKey(t), requested, now)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(svid.Certificate)
	if err != nil {
		t.Fatal(err)
	}
	return certificate, nil
}

// Teleport issuer_service.go, x509Template.
func TestCertificate(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	certificate, err := sign(t, resource.SPIFFE{
		ID: "/ns/{{ workload.kubernetes.namespace }}/sa/{{ workload.kubernetes.service_account }}",
	}, 10*time.Minute, now)
	if err != nil {
		t.Fatal(err)
	}
	if got := certificate.URIs[0].String(); got != "spiffe://"+clusterName+"/ns/test-app/sa/client" {
		t.Errorf("URI SAN %s", got)
	}
	if certificate.Subject.String() != "" {
		t.Errorf("subject %s", certificate.Subject)
	}
	if certificate.IsCA || !certificate.BasicConstraintsValid {
		t.Error("the leaf does not say that it is no CA")
	}
	wantUsage := x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement
	if certificate.KeyUsage != wantUsage {
		t.Errorf("key usage %b", certificate.KeyUsage)
	}
	if len(certificate.ExtKeyUsage) != 2 || certificate.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth || certificate.ExtKeyUsage[1] != x509.ExtKeyUsageClientAuth {
		t.Errorf("extended key usage %v", certificate.ExtKeyUsage)
	}
	if !certificate.NotBefore.Equal(now.Add(-time.Minute)) || !certificate.NotAfter.Equal(now.Add(10*time.Minute)) {
		t.Errorf("valid from %s to %s", certificate.NotBefore, certificate.NotAfter)
	}
}

// Teleport issuer_service.go, calculateTTL: no error, a shorter life.
func TestTTLIsCappedSilently(t *testing.T) {
	for _, c := range []struct{ requested, maximum, want time.Duration }{
		{0, 0, time.Hour},
		{10 * time.Minute, 0, 10 * time.Minute},
		{48 * time.Hour, 0, 24 * time.Hour},
		{10 * time.Minute, 5 * time.Minute, 5 * time.Minute},
		{48 * time.Hour, 14 * 24 * time.Hour, 48 * time.Hour},
		{0, 30 * time.Minute, 30 * time.Minute},
	} {
		if got := TTL(c.requested, c.maximum); got != c.want {
			t.Errorf("TTL(%s, %s) = %s, want %s", c.requested, c.maximum, got, c.want)
		}
	}
}

// Teleport issuer_service.go, issueX509SVID: go-spiffe's rules come into play
// when issuing, not when the resource is written.
func TestPathsThatAreNoSPIFFEID(t *testing.T) {
	for _, id := range []string{"/x/", "/x//y", "/x/../y", "/x y", "/{{ {x} }}"} {
		if _, err := sign(t, resource.SPIFFE{ID: id}, 0, time.Now()); err == nil || !strings.Contains(err.Error(), "parsing SPIFFE ID") {
			t.Errorf("%q: %v", id, err)
		}
	}
}

// A cluster name that is no trust domain fails here too.
func TestClusterNameThatIsNoTrustDomain(t *testing.T) {
	decided, err := Decide(identity(resource.SPIFFE{ID: "/x"}), attested)
	if err != nil {
		t.Fatal(err)
	}
	_, err = SignX509(newAuthority(t), "Lab.example", decided, publicKey(t), 0, time.Now())
	if err == nil || !strings.Contains(err.Error(), "parsing SPIFFE ID") {
		t.Errorf("got %v", err)
	}
}
