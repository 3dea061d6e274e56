package authserver

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/trace"
	"sigs.k8s.io/yaml"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/kubetest"
)

// kubernetesCluster is one of several clusters of one Teleport, with its own key
// and the documents that istio-teleport renders for it. prod allows payments and
// istio-ingress, and sidecars only; dev allows sandbox.
type kubernetesCluster struct {
	name string
	key  kubetest.Key
}

// register creates the cluster's documents, with its own key in the join token.
func (k kubernetesCluster) register(t *testing.T, f *fixture) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "several-clusters", k.name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for document := range strings.SplitSeq(string(text), "---\n") {
		var parsed struct {
			Kind string         `json:"kind"`
			Spec map[string]any `json:"spec"`
		}
		if err := yaml.Unmarshal([]byte(document), &parsed); err != nil {
			t.Fatal(err)
		}
		if parsed.Kind == "token" {
			document = withKeys(t, document, kubetest.JWKS(t, k.key))
		}
		f.create(t, document)
	}
}

func withKeys(t *testing.T, token, jwks string) string {
	t.Helper()
	var document map[string]any
	if err := yaml.Unmarshal([]byte(token), &document); err != nil {
		t.Fatal(err)
	}
	kubernetes := document["spec"].(map[string]any)["kubernetes"].(map[string]any)
	kubernetes["static_jwks"] = map[string]any{"jwks": jwks}
	text, err := yaml.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// join is a join of tbot in this cluster with the join token of one.
func (k kubernetesCluster) join(t *testing.T, f *fixture, tokenOf string) (authapi.JoinResponse, error) {
	t.Helper()
	request := f.joinRequest(t)
	request.TokenName = "istio-tbot-k8s-join-" + tokenOf
	request.IDToken = k.key.Sign(t, kubetest.Token{
		Audience: clusterName, Namespace: "teleport-system", Account: "tbot", Pod: "tbot-" + k.name,
		IssuedAt: time.Now(), TTL: 10 * time.Minute,
	})
	return f.Server.join(from(nil), request)
}

func (k kubernetesCluster) bot(t *testing.T, f *fixture) *x509.Certificate {
	t.Helper()
	response, err := k.join(t, f, k.name)
	return f.mustImpersonate(t, from(mustParse(t, response.Certificate, err)), time.Hour)
}

func podIn(namespace, container string) *attribute.Workload {
	return &attribute.Workload{Kubernetes: &attribute.Kubernetes{
		Attested: true, Namespace: namespace, ServiceAccount: "web", Container: &attribute.Container{Name: container},
	}}
}

// Two clusters of one Teleport, from the documents that istio-teleport renders:
// what each bot is issued, whatever it claims, and what it is refused.
func TestSeveralClusters(t *testing.T) {
	const (
		denied = "access to workload_identity denied"
		noRule = "no matching rule found"
	)
	f := newFixture(t)
	prod := kubernetesCluster{"prod", kubetest.NewKey(t, "prod-key")}
	dev := kubernetesCluster{"dev", kubetest.NewKey(t, "dev-key")}
	prod.register(t, f)
	dev.register(t, f)
	// A bot of neither, whose role the labels of both have.
	f.create(t, `{kind: role, version: v7, metadata: {name: issuer}, spec: {allow: {
  workload_identity_labels: {env: [dev], part-of: [istio-teleport]}, rules: [{resources: [workload_identity], verbs: [read, list]}]}}}`)
	bots := map[string]*x509.Certificate{"prod": prod.bot(t, f), "dev": dev.bot(t, f), "old": f.working(t)}

	unattested := podIn("payments", "istio-proxy")
	unattested.Kubernetes.Attested = false
	for _, c := range []struct {
		bot, identity string
		workload      *attribute.Workload
		refused       string
	}{
		{"prod", "prod", podIn("payments", "istio-proxy"), ""},
		{"prod", "prod", podIn("istio-ingress", "istio-proxy"), ""},
		{"dev", "dev", podIn("sandbox", "istio-proxy"), ""},
		{"dev", "dev", podIn("sandbox", "app"), ""},
		// Each condition by itself, while all others hold.
		{"prod", "prod", unattested, noRule},
		{"prod", "prod", podIn("sandbox", "istio-proxy"), noRule},
		{"prod", "prod", podIn("", "istio-proxy"), noRule},
		{"prod", "prod", podIn("payments", "app"), noRule},
		{"prod", "prod", podIn("payments", ""), noRule},
		{"prod", "prod", &attribute.Workload{}, noRule},
		{"old", "prod", podIn("payments", "istio-proxy"), noRule},
		// The other cluster's.
		{"dev", "dev", podIn("payments", "istio-proxy"), noRule},
		{"dev", "prod", podIn("payments", "istio-proxy"), denied},
		{"dev", "prod", podIn("sandbox", "istio-proxy"), denied},
		{"prod", "dev", podIn("sandbox", "istio-proxy"), denied},
	} {
		_, err := f.issue(from(bots[c.bot]), authapi.IssueRequest{
			Name: "istio-workloads-" + c.identity, PublicKey: publicKey(t), Workload: c.workload,
		})
		if (c.refused == "") != (err == nil) || (err != nil && !strings.Contains(trace.UserMessage(err), c.refused)) {
			t.Errorf("bot %s, workload identity %s, %+v: got %v, want %q", c.bot, c.identity, c.workload.Kubernetes, err, c.refused)
		}
	}

	// A thief has what the bot has, its join too.
	thief, err := f.steal(nil, authapi.StealRequest{BotName: "istio-tbot-dev", TTL: "1h"})
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode([]byte(thief.Certificate))
	stolen := mustParse(t, block.Bytes, nil)
	for namespace, issued := range map[string]bool{"sandbox": true, "payments": false} {
		_, err := f.issue(from(stolen), authapi.IssueRequest{
			Name: "istio-workloads-dev", PublicKey: publicKey(t), Workload: podIn(namespace, "istio-proxy"),
		})
		if (err == nil) != issued {
			t.Errorf("a thief of dev's bot, %s: %v", namespace, err)
		}
	}

	// By labels that both have: what is refused is left out in silence.
	for bot, namespaces := range map[string]map[string]int{
		"prod": {"payments": 1, "sandbox": 0}, "dev": {"payments": 0, "sandbox": 1}, "old": {"payments": 0, "sandbox": 0},
	} {
		for namespace, want := range namespaces {
			response, err := f.issue(from(bots[bot]), authapi.IssueRequest{
				Labels: map[string][]string{"part-of": {"istio-teleport"}}, PublicKey: publicKey(t),
				Workload: podIn(namespace, "istio-proxy"),
			})
			if err != nil || len(response.Credentials) != want {
				t.Errorf("bot %s, by labels, %s: %d issued, want %d (%v)", bot, namespace, len(response.Credentials), want, err)
			}
		}
	}

	for _, c := range []struct {
		from    kubernetesCluster
		tokenOf string
	}{{dev, "prod"}, {prod, "dev"}} {
		_, err := c.from.join(t, f, c.tokenOf)
		if err == nil || !strings.Contains(trace.UserMessage(err), "validating jwt signature") {
			t.Errorf("%s's ServiceAccount token with %s's join token: %v", c.from.name, c.tokenOf, err)
		}
	}
}
