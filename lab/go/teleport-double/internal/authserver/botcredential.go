package authserver

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/json"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/authority"
)

// botIdentity is what a bot's certificate says about it. Teleport keeps the same
// facts in the certificate's subject.
type botIdentity struct {
	BotName       string          `json:"bot_name"`
	BotInstanceID string          `json:"bot_instance_id"`
	Join          *attribute.Join `json:"join"`
	// Roles are what the credential may do: nothing, for the bot's own.
	Roles []string `json:"roles,omitempty"`
	// Impersonated credentials can't ask for further ones.
	Impersonated bool `json:"impersonated,omitempty"`
}

// identityExtension carries a botIdentity as JSON. The arc 2.25 is free for
// anyone's UUID, so it collides with nothing.
var identityExtension = asn1.ObjectIdentifier{2, 25, 1870283464, 1}

func signBotCertificate(ca *authority.Authority, identity botIdentity, userName string, publicKey []byte, now, notAfter time.Time) ([]byte, error) {
	public, err := x509.ParsePKIXPublicKey(publicKey)
	if err != nil {
		return nil, trace.Wrap(err, "parsing public key")
	}
	serial, err := authority.NewSerial()
	if err != nil {
		return nil, trace.Wrap(err)
	}
	text, err := json.Marshal(identity)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	return ca.Sign(&x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: userName},
		NotBefore:             now.Add(-time.Minute),
		NotAfter:              notAfter,
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
		BasicConstraintsValid: true,
		ExtraExtensions:       []pkix.Extension{{Id: identityExtension, Value: text}},
	}, public)
}

func identityFromCertificate(certificate *x509.Certificate) (botIdentity, error) {
	for _, extension := range certificate.Extensions {
		if !extension.Id.Equal(identityExtension) {
			continue
		}
		var identity botIdentity
		if err := json.Unmarshal(extension.Value, &identity); err != nil {
			return botIdentity{}, trace.AccessDenied("reading bot credential: %v", err)
		}
		return identity, nil
	}
	return botIdentity{}, trace.AccessDenied("the client's certificate is not a bot's")
}
