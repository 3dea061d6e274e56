package authserver

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"time"

	"github.com/google/uuid"
	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/authapi"
)

// steal is what a thief of a bot's own credential does with it: ask for a working
// credential of some life. It goes the way of every bot's request, limits and
// locks included; only the theft is taken for granted.
func (s *Server) steal(_ *http.Request, request authapi.StealRequest) (authapi.StealResponse, error) {
	ttl, err := time.ParseDuration(request.TTL)
	if err != nil {
		return authapi.StealResponse{}, trace.BadParameter("ttl: %v", err)
	}
	stolen := botIdentity{BotName: request.BotName, BotInstanceID: uuid.NewString()}
	// The bot's own certificate says how it joined, and so do all that follow.
	if join, ok := s.lastJoins.Load(request.BotName); ok {
		stolen.Join = join.(*attribute.Join)
	}
	if err := s.checkLocks(stolen); err != nil {
		return authapi.StealResponse{}, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return authapi.StealResponse{}, trace.Wrap(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return authapi.StealResponse{}, trace.Wrap(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return authapi.StealResponse{}, trace.Wrap(err)
	}
	der, err := s.signImpersonated(stolen, authapi.ImpersonateRequest{PublicKey: public, Expires: s.now().Add(ttl)})
	if err != nil {
		return authapi.StealResponse{}, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return authapi.StealResponse{}, trace.Wrap(err)
	}
	return authapi.StealResponse{
		Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		Key:         string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private})),
		Expires:     certificate.NotAfter,
	}, nil
}
