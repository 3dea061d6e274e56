// Package authority is a self-signed certificate authority kept in a
// directory. The auth server has two: one for X.509 SVIDs and one for its own
// TLS and the bots' credentials.
package authority

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gravitational/trace"
)

// DefaultTTL is the life of a new authority (Teleport defaults.CATTL).
const DefaultTTL = 10 * 365 * 24 * time.Hour

// Authority signs certificates.
type Authority struct {
	certificate *x509.Certificate
	key         crypto.Signer
}

// Options describe an authority that does not exist yet.
type Options struct {
	// CommonName and Organization are both the cluster's name in Teleport.
	CommonName   string
	Organization string
	// URI is the trust domain's ID, for a SPIFFE authority.
	URI *url.URL
	TTL time.Duration
}

// LoadOrCreate reads <directory>/<name>.{crt,key} or makes them. An authority
// that exists is used as it is, whatever the options say.
func LoadOrCreate(directory, name string, options Options) (*Authority, error) {
	certPath := filepath.Join(directory, name+".crt")
	keyPath := filepath.Join(directory, name+".key")
	certPEM, err := os.ReadFile(certPath)
	if os.IsNotExist(err) {
		return create(directory, certPath, keyPath, options)
	}
	if err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	keyPEM, err := os.ReadFile(keyPath)
	if err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	return parse(certPEM, keyPEM)
}

func create(directory, certPath, keyPath string, options Options) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	serial, err := NewSerial()
	if err != nil {
		return nil, trace.Wrap(err)
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: options.CommonName, Organization: []string{options.Organization}},
		NotBefore:             now.Add(-time.Minute),
		NotAfter:              now.Add(options.TTL),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	if options.URI != nil {
		template.URIs = []*url.URL{options.URI}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	keyPEM := pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: keyDER})
	// The key first: a certificate without its key would count as an authority
	// that exists.
	if err := os.WriteFile(keyPath, keyPEM, 0o600); err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	if err := os.WriteFile(certPath, certPEM, 0o644); err != nil {
		return nil, trace.ConvertSystemError(err)
	}
	return parse(certPEM, keyPEM)
}

func parse(certPEM, keyPEM []byte) (*Authority, error) {
	certBlock, _ := pem.Decode(certPEM)
	keyBlock, _ := pem.Decode(keyPEM)
	if certBlock == nil || keyBlock == nil {
		return nil, trace.BadParameter("certificate authority: no PEM block found")
	}
	certificate, err := x509.ParseCertificate(certBlock.Bytes)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	key, err := x509.ParsePKCS8PrivateKey(keyBlock.Bytes)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	signer, ok := key.(crypto.Signer)
	if !ok {
		return nil, trace.BadParameter("certificate authority: key of type %T can't sign", key)
	}
	return &Authority{certificate: certificate, key: signer}, nil
}

// Certificate is the authority's own certificate.
func (a *Authority) Certificate() *x509.Certificate { return a.certificate }

// Sign issues a certificate for the public key and returns its DER form.
func (a *Authority) Sign(template *x509.Certificate, public any) ([]byte, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, public, a.key)
	return der, trace.Wrap(err)
}

// NewSerial returns a random 128-bit serial number (Teleport
// issuer_service.go, generateCertSerial).
func NewSerial() (*big.Int, error) {
	return rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 128))
}

// SerialString prints a serial number as Teleport's audit log does: lower-case
// hexadecimal bytes with a colon between them.
func SerialString(serial *big.Int) string {
	text := serial.Text(16)
	if len(text)%2 == 1 {
		text = "0" + text
	}
	var pairs []string
	for i := 0; i < len(text); i += 2 {
		pairs = append(pairs, text[i:i+2])
	}
	return strings.Join(pairs, ":")
}
