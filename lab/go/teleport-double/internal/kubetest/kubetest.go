// Package kubetest makes what a Kubernetes cluster would make, for tests:
// signing keys, their JWKS, and service account tokens.
package kubetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v3"
	"github.com/go-jose/go-jose/v3/jwt"
)

// Key is a service account signing key of an API server.
type Key struct {
	ID      string
	private *ecdsa.PrivateKey
}

// NewKey makes an EC P-256 key.
func NewKey(t *testing.T, id string) Key {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return Key{ID: id, private: private}
}

// JWKS is the text that /openid/v1/jwks would serve for the keys.
func JWKS(t *testing.T, keys ...Key) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, key := range keys {
		set.Keys = append(set.Keys, jose.JSONWebKey{
			Key: key.private.Public(), KeyID: key.ID, Algorithm: string(jose.ES256), Use: "sig",
		})
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Token describes a service account token; Pod is "" for one that is not bound
// to a pod.
type Token struct {
	Audience  string
	Namespace string
	Account   string
	Pod       string
	IssuedAt  time.Time
	TTL       time.Duration
}

// Sign returns the token in its compact form.
func (k Key) Sign(t *testing.T, token Token) string {
	t.Helper()
	options := (&jose.SignerOptions{}).WithHeader("kid", k.ID)
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: k.private}, options)
	if err != nil {
		t.Fatal(err)
	}
	kubernetes := map[string]any{
		"namespace":      token.Namespace,
		"serviceaccount": map[string]string{"name": token.Account, "uid": "1"},
	}
	if token.Pod != "" {
		kubernetes["pod"] = map[string]string{"name": token.Pod, "uid": "2"}
	}
	claims := jwt.Claims{
		Issuer:    "https://kubernetes.default.svc.cluster.local",
		Subject:   "system:serviceaccount:" + token.Namespace + ":" + token.Account,
		Audience:  jwt.Audience{token.Audience},
		IssuedAt:  jwt.NewNumericDate(token.IssuedAt),
		NotBefore: jwt.NewNumericDate(token.IssuedAt),
		Expiry:    jwt.NewNumericDate(token.IssuedAt.Add(token.TTL)),
	}
	compact, err := jwt.Signed(signer).Claims(claims).Claims(map[string]any{"kubernetes.io": kubernetes}).CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}
