// Package svids turns what the auth server issues into the SVIDs of the SPIFFE
// Workload API (Teleport lib/tbot/services/workloadidentity/workload_api.go,
// fetchX509SVIDs).
package svids

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"log/slog"
	"time"

	"github.com/gravitational/trace"
	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/resource"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
)

// Issuer asks for SVIDs of one service.
type Issuer struct {
	Selector config.Selector
	TTL      time.Duration
	// Suite asks Teleport for its signature algorithm suite.
	Suite func(ctx context.Context) (string, error)
	Issue func(ctx context.Context, request authapi.IssueRequest) (authapi.IssueResponse, error)
}

// Fetch makes a new key and has certificates issued for it: one, or an error,
// for a selector by name; any number, none included, for one by labels.
func (i Issuer) Fetch(ctx context.Context, attested *attribute.Workload, bundle *x509bundle.Bundle, log *slog.Logger) ([]*workload.X509SVID, error) {
	suite, err := i.Suite(ctx)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	key, err := generateKey(suite)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, trace.Wrap(err)
	}
	response, err := i.Issue(ctx, authapi.IssueRequest{
		Name:         i.Selector.Name,
		Labels:       i.Selector.Labels,
		PublicKey:    public,
		RequestedTTL: i.TTL,
		Workload:     attested,
	})
	if err != nil {
		return nil, trace.Wrap(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	issued := make([]*workload.X509SVID, 0, len(response.Credentials))
	for _, credential := range response.Credentials {
		issued = append(issued, &workload.X509SVID{
			SpiffeId:    credential.SPIFFEID,
			X509Svid:    credential.Certificate,
			X509SvidKey: pkcs8,
			Bundle:      MarshalBundle(bundle),
			Hint:        credential.Hint,
		})
		log.Info("Issued Workload Identity Credential", slog.Group("credential",
			"type", "x509-svid",
			"spiffe_id", credential.SPIFFEID,
			"serial_number", credential.SerialNumber,
			"hint", credential.Hint,
			"expires_at", credential.ExpiresAt,
			"ttl", credential.TTL.String(),
			"workload_identity_name", credential.WorkloadIdentity,
		))
	}
	return issued, nil
}

// legacyKeyBits is the size of an SVID's key in the legacy suite.
const legacyKeyBits = 2048

// generateKey makes the key of an SVID (Teleport lib/cryptosuites/suites.go,
// BotSVID): on the node, and each time anew.
func generateKey(suite string) (crypto.Signer, error) {
	if suite == resource.SuiteLegacy {
		return rsa.GenerateKey(rand.Reader, legacyKeyBits)
	}
	return ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
}

// MarshalBundle is the concatenation of the DER certificates.
func MarshalBundle(bundle *x509bundle.Bundle) []byte {
	var out bytes.Buffer
	for _, certificate := range bundle.X509Authorities() {
		out.Write(certificate.Raw)
	}
	return out.Bytes()
}
