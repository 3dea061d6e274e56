package joining

import (
	"strings"
	"testing"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/kubetest"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

const clusterName = "lab.teleport.example"

var now = time.Now().Truncate(time.Second)

func good() kubetest.Token {
	return kubetest.Token{
		Audience: clusterName, Namespace: "teleport-system", Account: "tbot", Pod: "tbot-1",
		IssuedAt: now, TTL: 10 * time.Minute,
	}
}

func with(change func(*kubetest.Token)) kubetest.Token {
	token := good()
	change(&token)
	return token
}

func joinToken(jwks string, allow ...resource.TokenKubernetesAllow) *resource.Token {
	if len(allow) == 0 {
		allow = []resource.TokenKubernetesAllow{{ServiceAccount: "teleport-system:tbot"}}
	}
	return &resource.Token{Spec: resource.TokenSpec{Kubernetes: &resource.TokenKubernetes{
		Type: resource.KubernetesStaticJWKS, StaticJWKS: &resource.StaticJWKS{JWKS: jwks}, Allow: allow,
	}}}
}

// Teleport lib/kube/token/validator.go, which runs here itself as package
// lib/kubernetestoken of an older published version.
func TestStaticJWKS(t *testing.T) {
	key, other := kubetest.NewKey(t, "one"), kubetest.NewKey(t, "two")
	duplicate := kubetest.NewKey(t, "one")
	for _, c := range []struct {
		name  string
		jwks  string
		token kubetest.Token
		fails string
	}{
		{"one key", kubetest.JWKS(t, key), good(), ""},
		{"several keys", kubetest.JWKS(t, other, key), good(), ""},
		{"pretty-printed", strings.ReplaceAll(kubetest.JWKS(t, key), ",", ",\n  "), good(), ""},
		{"30 minutes exactly", kubetest.JWKS(t, key), with(func(k *kubetest.Token) { k.TTL = 30 * time.Minute }), ""},
		{"expired within the leeway of 10 s", kubetest.JWKS(t, key), with(func(k *kubetest.Token) { k.IssuedAt = now.Add(-10*time.Minute - 9*time.Second) }), ""},
		{"key of another cluster", kubetest.JWKS(t, other), good(), "validating jwt signature"},
		// Of two keys with one ID only the first is tried.
		{"duplicate key ID", kubetest.JWKS(t, duplicate, key), good(), "validating jwt signature"},
		{"escaped quotes", strings.ReplaceAll(kubetest.JWKS(t, key), `"`, `\"`), good(), `parsing provided jwks`},
		{"no JSON", "fake-jwks", good(), "parsing provided jwks"},
		{"audience", kubetest.JWKS(t, key), with(func(k *kubetest.Token) { k.Audience = "https://kubernetes.default.svc" }), "invalid audience claim (aud)"},
		{"not bound to a pod", kubetest.JWKS(t, key), with(func(k *kubetest.Token) { k.Pod = "" }), "requires the use of projected pod bound service account token"},
		{"lives too long", kubetest.JWKS(t, key), with(func(k *kubetest.Token) { k.TTL = 30*time.Minute + time.Second }), "service account token with a TTL of less than 30m0s"},
		{"expired", kubetest.JWKS(t, key), with(func(k *kubetest.Token) { k.IssuedAt = now.Add(-10*time.Minute - 11*time.Second) }), "token is expired"},
		{"other service account", kubetest.JWKS(t, key), with(func(k *kubetest.Token) { k.Account = "default" }), "kubernetes token did not match any allow rules"},
	} {
		t.Run(c.name, func(t *testing.T) {
			attrs, err := Kubernetes(t.Context(), now, clusterName, joinToken(c.jwks), key.Sign(t, c.token))
			if c.fails != "" {
				if err == nil || !strings.Contains(trace.UserMessage(err), c.fails) {
					t.Errorf("got error %v, want %q", err, c.fails)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if attrs.Subject != "system:serviceaccount:teleport-system:tbot" || attrs.ServiceAccount.Namespace != "teleport-system" ||
				attrs.ServiceAccount.Name != "tbot" || attrs.Pod.Name != "tbot-1" {
				t.Errorf("attributes: %+v", attrs)
			}
		})
	}
}

// Errors of the check come with the type's name in front (Teleport
// lib/kube/token/join.go).
func TestErrorsNameTheType(t *testing.T) {
	key := kubetest.NewKey(t, "one")
	_, err := Kubernetes(t.Context(), now, clusterName, joinToken("x"), key.Sign(t, good()))
	if !strings.Contains(trace.UserMessage(err), "reviewing kubernetes token with static_jwks") {
		t.Errorf("got %v", err)
	}
}

// Teleport PR 66520: patterns with * and ?, all that is given must match, and
// service_account stays literal.
func TestAllowRules(t *testing.T) {
	const user = "system:serviceaccount:teleport-system:tbot-1"
	for _, c := range []struct {
		name string
		rule resource.TokenKubernetesAllow
		user string
		want bool
	}{
		{"literal", resource.TokenKubernetesAllow{ServiceAccount: "teleport-system:tbot-1"}, user, true},
		{"no pattern in service_account", resource.TokenKubernetesAllow{ServiceAccount: "teleport-system:*"}, user, false},
		{"patterns", resource.TokenKubernetesAllow{ServiceAccountName: "tbot-?", ServiceAccountNamespace: "*"}, user, true},
		{"name does not match", resource.TokenKubernetesAllow{ServiceAccountName: "tbot", ServiceAccountNamespace: "*"}, user, false},
		{"namespace does not match", resource.TokenKubernetesAllow{ServiceAccountName: "*", ServiceAccountNamespace: "kube-*"}, user, false},
		{"both forms", resource.TokenKubernetesAllow{ServiceAccount: "teleport-system:tbot-1", ServiceAccountName: "x", ServiceAccountNamespace: "*"}, user, false},
		{"no service account", resource.TokenKubernetesAllow{ServiceAccountName: "*", ServiceAccountNamespace: "*"}, "admin", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := allowed([]resource.TokenKubernetesAllow{c.rule}, c.user); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

// in_cluster reviews the token with the API server of the cluster that the auth
// server runs in; ours runs in none. oidc is stored, and refused at the join.
func TestOtherTypes(t *testing.T) {
	for kind, want := range map[string]string{
		resource.KubernetesInCluster: "reviewing kubernetes token with in_cluster",
		resource.KubernetesOIDC:      "reviewing kubernetes token with oidc: not supported by the double",
	} {
		token := joinToken("")
		token.Spec.Kubernetes.Type = kind
		t.Setenv("KUBERNETES_SERVICE_HOST", "")
		_, err := Kubernetes(t.Context(), now, clusterName, token, "x")
		if err == nil || !strings.Contains(trace.UserMessage(err), want) {
			t.Errorf("%s: got %v", kind, err)
		}
	}
}
