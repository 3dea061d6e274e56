// Package identity keeps the bot's own credential: it joins at the start and
// joins again at every renewal (Teleport lib/tbot/internal/identity/service.go).
package identity

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/gravitational/teleport/lib/kubernetestoken"
	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/tbot/authclient"
	"istio-teleport/lab/go/teleport-double/internal/tbot/config"
	"istio-teleport/lab/go/teleport-double/internal/tbot/readiness"
	"istio-teleport/lab/go/teleport-double/internal/tbot/taskloop"
)

// ServiceName is how /readyz and the metrics call the service.
const ServiceName = "identity"

// renewalRetryLimit is how often one renewal is tried.
const renewalRetryLimit = 7

// Service holds the current credential. It lives in memory only, so every start
// of the process is a new bot instance.
type Service struct {
	onboarding config.Onboarding
	address    string
	lifetime   config.Lifetime
	report     readiness.Report
	log        *slog.Logger

	mu      sync.Mutex
	current *credential
}

type credential struct {
	client   *authclient.Client
	notAfter time.Time
}

// New returns a service that has not joined yet.
func New(c *config.Config, report readiness.Report, log *slog.Logger) (*Service, error) {
	address, err := c.Address()
	if err != nil {
		return nil, err
	}
	return &Service{
		onboarding: c.Onboarding,
		address:    address,
		lifetime:   c.Lifetime,
		report:     report,
		log:        log,
	}, nil
}

// Initialize joins for the first time, with one try: when it fails the process
// can't continue, because memory holds no older credential.
func (s *Service) Initialize(ctx context.Context) error {
	if s.onboarding.TokenValue == "" {
		return trace.BadParameter("no existing identity found on disk or join token configured")
	}
	if err := s.join(ctx, authclient.New(s.address)); err != nil {
		return trace.Wrap(err, "joining with token")
	}
	s.report(readiness.Healthy, "")
	s.log.Info("Identity initialized successfully")
	return nil
}

// Run renews the credential until ctx ends.
func (s *Service) Run(ctx context.Context) {
	s.log.Info("Beginning bot identity renewal loop", "ttl", s.lifetime.TTL, "interval", s.lifetime.RenewalInterval)
	taskloop.Run(ctx, taskloop.Task{
		Service:    ServiceName,
		Name:       "bot-identity-renewal",
		Interval:   s.lifetime.RenewalInterval,
		RetryLimit: renewalRetryLimit,
		Do:         s.renew,
		Report:     s.report,
		Log:        s.log,
	})
}

// Client is the client with the current credential. It is nil before the first
// join.
func (s *Service) Client() *authclient.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.current.client
}

// renew joins again, since kubernetes is no renewable join method. A credential
// that still lives vouches for the bot instance; an expired one is left aside.
func (s *Service) renew(ctx context.Context) error {
	s.mu.Lock()
	old := s.current
	s.mu.Unlock()
	if time.Now().After(old.notAfter) {
		s.log.Warn("The bot identity appears to be expired and will not be used to authenticate the identity renewal", "expiry", old.notAfter)
		err := s.join(ctx, authclient.New(s.address))
		return trace.Wrap(err, "renewing identity: renewing identity using Register without existing auth client")
	}
	return trace.Wrap(s.join(ctx, old.client), "renewing identity: renewing identity using Register with existing auth client")
}

func (s *Service) join(ctx context.Context, client *authclient.Client) error {
	s.log.Info("Fetching bot identity using token")
	tokenName, err := s.onboarding.Token()
	if err != nil {
		return err
	}
	// Teleport's own choice of the file: $KUBERNETES_TOKEN_PATH, else the pod's
	// default token, whose audience does not fit.
	idToken, err := kubernetestoken.GetIDToken(os.Getenv, os.ReadFile)
	if err != nil {
		return err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return trace.Wrap(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return trace.Wrap(err)
	}
	response, err := client.Join(ctx, authapi.JoinRequest{
		TokenName:  tokenName,
		JoinMethod: s.onboarding.JoinMethod,
		IDToken:    idToken,
		PublicKey:  public,
		Expires:    time.Now().Add(s.lifetime.TTL),
	})
	if err != nil {
		return err
	}
	joined, err := newCredential(s.address, key, response.Certificate, response.HostAuthorities)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.current = joined
	s.mu.Unlock()
	client.Close()
	s.log.Info("Fetched new bot identity", "cluster_name", response.ClusterName, "not_after", joined.notAfter)
	return nil
}

// Impersonate asks for a credential with the bot's roles and tbot's own life, and
// returns a client with it (Teleport lib/tbot/identity/generator.go).
func (s *Service) Impersonate(ctx context.Context) (*authclient.Client, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	public, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		return nil, trace.Wrap(err)
	}
	response, err := s.Client().Impersonate(ctx, authapi.ImpersonateRequest{PublicKey: public, Expires: time.Now().Add(s.lifetime.TTL)})
	if err != nil {
		return nil, err
	}
	impersonated, err := newCredential(s.address, key, response.Certificate, response.HostAuthorities)
	if err != nil {
		return nil, err
	}
	return impersonated.client, nil
}

func newCredential(address string, key *ecdsa.PrivateKey, der []byte, hostAuthorities [][]byte) (*credential, error) {
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, trace.Wrap(err, "reading bot credential")
	}
	var authorities []*x509.Certificate
	for _, der := range hostAuthorities {
		authority, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, trace.Wrap(err, "reading host authority")
		}
		authorities = append(authorities, authority)
	}
	pair := tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	return &credential{
		client:   authclient.WithCredential(address, pair, authorities),
		notAfter: certificate.NotAfter,
	}, nil
}
