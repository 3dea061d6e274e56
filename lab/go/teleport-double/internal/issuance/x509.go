package issuance

import (
	"cmp"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/url"
	"time"

	"github.com/gravitational/trace"
	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

const (
	// defaultTTL is what a request without a TTL gets.
	defaultTTL = time.Hour
	// defaultMaximumTTL applies where the workload identity sets none.
	defaultMaximumTTL = 24 * time.Hour
	// backdating allows for clocks that differ.
	backdating = time.Minute
)

// SVID is an issued X.509 SVID.
type SVID struct {
	ID          spiffeid.ID
	Certificate []byte
	Serial      *big.Int
	NotAfter    time.Time
	TTL         time.Duration
}

// SignX509 makes the certificate for a decided workload identity. The SPIFFE ID
// must follow go-spiffe's rules here, for the first time; a requested TTL above
// the maximum is cut without a word to the client.
func SignX509(ca *authority.Authority, clusterName string, rendered *Rendered, publicKey []byte, requestedTTL time.Duration, now time.Time) (*SVID, error) {
	id, err := spiffeid.FromURI(&url.URL{Scheme: "spiffe", Host: clusterName, Path: rendered.ID})
	if err != nil {
		return nil, trace.Wrap(err, "parsing SPIFFE ID")
	}
	public, err := x509.ParsePKIXPublicKey(publicKey)
	if err != nil {
		return nil, trace.Wrap(err, "parsing public key")
	}
	serial, err := authority.NewSerial()
	if err != nil {
		return nil, trace.Wrap(err, "generating certificate serial")
	}
	ttl := TTL(requestedTTL, rendered.Identity.Spec.SPIFFE.X509.MaximumTTL.Duration())
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               subject(rendered.Subject),
		NotBefore:             now.Add(-backdating),
		NotAfter:              now.Add(ttl),
		KeyUsage:              x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment | x509.KeyUsageKeyAgreement,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		URIs:                  []*url.URL{id.URL()},
		DNSNames:              rendered.DNSSANs,
	}
	der, err := ca.Sign(template, public)
	if err != nil {
		return nil, err
	}
	return &SVID{ID: id, Certificate: der, Serial: serial, NotAfter: template.NotAfter, TTL: ttl}, nil
}

// TTL applies the server's limits to a requested life; 0 stands for the default
// in either argument.
func TTL(requested, maximum time.Duration) time.Duration {
	return min(cmp.Or(requested, defaultTTL), cmp.Or(maximum, defaultMaximumTTL))
}

func subject(template resource.SubjectTemplate) pkix.Name {
	name := pkix.Name{CommonName: template.CommonName}
	if template.Organization != "" {
		name.Organization = []string{template.Organization}
	}
	if template.OrganizationalUnit != "" {
		name.OrganizationalUnit = []string{template.OrganizationalUnit}
	}
	return name
}
