package svids

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"log/slog"
	"testing"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
)

// Teleport lib/tbot/workloadidentity/issue.go@0a1d828cc2, IssueX509WorkloadIdentity,
// and lib/cryptosuites/suites.go, BotSVID: a new key for each SVID, made here: RSA
// 2048 under the legacy suite, else ECDSA P-256.
func TestKeys(t *testing.T) {
	for suite, isRight := range map[string]func(any) bool{
		"legacy": func(key any) bool {
			made, ok := key.(*rsa.PrivateKey)
			return ok && made.N.BitLen() == 2048
		},
		"balanced-v1": func(key any) bool {
			made, ok := key.(*ecdsa.PrivateKey)
			return ok && made.Curve == elliptic.P256()
		},
	} {
		t.Run(suite, func(t *testing.T) {
			var public []byte
			issuer := Issuer{
				TTL:   time.Hour,
				Suite: func(context.Context) (string, error) { return suite, nil },
				Issue: func(_ context.Context, request authapi.IssueRequest) (authapi.IssueResponse, error) {
					public = request.PublicKey
					return authapi.IssueResponse{Credentials: []authapi.Credential{{}}}, nil
				},
			}
			bundle := x509bundle.New(spiffeid.RequireTrustDomainFromString("lab.teleport.example"))
			seen := map[string]bool{}
			for range 2 {
				issued, err := issuer.Fetch(t.Context(), nil, bundle, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				key, err := x509.ParsePKCS8PrivateKey(issued[0].X509SvidKey)
				if err != nil || !isRight(key) {
					t.Errorf("key %T, %v", key, err)
				}
				seen[string(public)] = true
			}
			if len(seen) != 2 {
				t.Error("two SVIDs have one key")
			}
		})
	}
}
