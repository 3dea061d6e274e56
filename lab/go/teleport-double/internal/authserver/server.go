// Package authserver plays the part of Teleport's auth server that this project
// touches: it stores resources, lets bots join, and issues X.509 SVIDs.
package authserver

import (
	"cmp"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/gravitational/trace"
	"github.com/spiffe/go-spiffe/v2/spiffeid"

	"istio-teleport/lab/go/teleport-double/internal/audit"
	"istio-teleport/lab/go/teleport-double/internal/authapi"
	"istio-teleport/lab/go/teleport-double/internal/authority"
	"istio-teleport/lab/go/teleport-double/internal/buildversion"
	"istio-teleport/lab/go/teleport-double/internal/resource"
	"istio-teleport/lab/go/teleport-double/internal/store"
)

// Config is what the server needs to start.
type Config struct {
	// DataDir holds the resources, the authorities and log/events.log.
	DataDir string
	// ClusterName is also the trust domain and the audience of join tokens.
	ClusterName string
	// WebCertificate is what the proxy shows to a client that does not ask for
	// the Auth Service.
	WebCertificate *tls.Certificate
	// AuthorityTTL is the life of new authorities; 0 stands for
	// authority.DefaultTTL.
	AuthorityTTL time.Duration
	// ClockOffset is by how much the server's clock differs from the machine's:
	// for whether a token, a bot's credential or its end counts, and in what it
	// issues to bots and workloads. Its own TLS certificate, which a real server
	// has from before, and audit events keep the machine's time.
	ClockOffset time.Duration
	Log         *slog.Logger
}

// Server is one auth server. Its two APIs are plain HTTP handlers; the caller
// owns the listeners.
type Server struct {
	clusterName    string
	webCertificate *tls.Certificate
	resources      *store.Store
	events         *audit.Log
	spiffeCA       *authority.Rotating
	hostCA         *authority.Authority
	log            *slog.Logger
	now            func() time.Time

	bundleChanged signal
	watchesBroken signal

	// lastJoins is what a thief of a bot's credential would have: bot name ->
	// attribute.Join of its last join.
	lastJoins sync.Map
}

// New opens the data directory and fills it on the first start.
func New(config Config) (*Server, error) {
	if config.ClusterName == "" {
		return nil, trace.BadParameter("cluster name is required")
	}
	if config.AuthorityTTL == 0 {
		config.AuthorityTTL = authority.DefaultTTL
	}
	resources, err := store.Open(filepath.Join(config.DataDir, "resources"))
	if err != nil {
		return nil, err
	}
	events, err := audit.Open(filepath.Join(config.DataDir, "log", "events.log"))
	if err != nil {
		return nil, err
	}
	options := authority.Options{
		CommonName:   config.ClusterName,
		Organization: config.ClusterName,
		TTL:          config.AuthorityTTL,
	}
	authorities := filepath.Join(config.DataDir, "authorities")
	hostCA, err := authority.LoadOrCreate(authorities, "host", options)
	if err != nil {
		return nil, err
	}
	// Teleport starts with a cluster name that is no trust domain, and then
	// fails at issuance; so there is no check of the name here.
	if trustDomain, err := spiffeid.TrustDomainFromString(config.ClusterName); err == nil {
		options.URI = trustDomain.ID().URL()
	}
	spiffeCA, err := authority.LoadOrCreateRotating(authorities, "spiffe", options, time.Now)
	if err != nil {
		return nil, err
	}
	return &Server{
		clusterName:    config.ClusterName,
		webCertificate: config.WebCertificate,
		resources:      resources,
		events:         events,
		spiffeCA:       spiffeCA,
		hostCA:         hostCA,
		log:            config.Log,
		now:            func() time.Time { return time.Now().Add(config.ClockOffset) },
	}, nil
}

// Close closes the event log.
func (s *Server) Close() error { return s.events.Close() }

// BotHandler is the API for tbot. It must be served with BotTLS.
func (s *Server) BotHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+authapi.PathPing, authapi.Handler(s.ping))
	mux.Handle("POST "+authapi.PathJoin, authapi.Handler(s.join))
	mux.Handle("POST "+authapi.PathImpersonate, authapi.Handler(s.impersonate))
	mux.Handle("POST "+authapi.PathIssue, authapi.Handler(s.issue))
	mux.Handle("GET "+authapi.PathBundle, authapi.Handler(s.bundle))
	mux.HandleFunc("GET "+authapi.PathWatch, s.watch)
	mux.Handle("GET "+authapi.PathWebPing, authapi.Handler(s.webPing))
	return mux
}

// BotTLS is the TLS configuration for the bots' API. As at a proxy with TLS
// routing, a client that asks for the Auth Service by ALPN gets a certificate of
// the host authority, and any other the proxy's own. A bot's certificate is
// checked if one is shown.
func (s *Server) BotTLS() (*tls.Config, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(s.hostCA.Certificate())
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		ClientAuth: tls.VerifyClientCertIfGiven,
		ClientCAs:  clients,
		Time:       func() time.Time { return s.now() },
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			if !slices.Contains(hello.SupportedProtos, authapi.ProtocolAuth) {
				return s.webCertificate, nil
			}
			return s.serverCertificate(key, hello)
		},
	}, nil
}

func (s *Server) serverCertificate(key *ecdsa.PrivateKey, hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	serial, err := authority.NewSerial()
	if err != nil {
		return nil, trace.Wrap(err)
	}
	template := &x509.Certificate{
		SerialNumber:          serial,
		Subject:               pkix.Name{CommonName: s.clusterName},
		NotBefore:             time.Now().Add(-time.Minute),
		NotAfter:              time.Now().Add(24 * time.Hour),
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{s.clusterName},
	}
	if hello.ServerName != "" {
		template.DNSNames = append(template.DNSNames, hello.ServerName)
	} else if host, _, err := net.SplitHostPort(hello.Conn.LocalAddr().String()); err == nil {
		template.IPAddresses = []net.IP{net.ParseIP(host)}
	}
	der, err := s.hostCA.Sign(template, key.Public())
	if err != nil {
		return nil, err
	}
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, nil
}

func (s *Server) ping(*http.Request, struct{}) (authapi.PingResponse, error) {
	suite, err := s.signatureAlgorithmSuite()
	if err != nil {
		return authapi.PingResponse{}, err
	}
	return authapi.PingResponse{
		SignatureAlgorithmSuite: suite,
		ClusterName:             s.clusterName,
		ServerVersion:           buildversion.Version(),
		HostAuthorities:         s.hostAuthorities(),
	}, nil
}

// webPing is what anybody may ask the proxy (Teleport api/client/webclient,
// PingResponse), as far as it names the server.
func (s *Server) webPing(*http.Request, struct{}) (authapi.WebPingResponse, error) {
	return authapi.WebPingResponse{
		ClusterName:   s.clusterName,
		ServerVersion: buildversion.Version(),
	}, nil
}

// signatureAlgorithmSuite is balanced-v1 unless cluster_auth_preference was
// written; there, one that is not set counts as legacy, as in a cluster that was
// upgraded from before Teleport 17 (Teleport lib/cryptosuites/suites.go).
func (s *Server) signatureAlgorithmSuite() (string, error) {
	stored, err := s.resources.List(resource.KindAuthPreference)
	if err != nil || len(stored) == 0 {
		return resource.SuiteBalanced, err
	}
	return cmp.Or(stored[0].(*resource.AuthPreference).Spec.SignatureAlgorithmSuite, resource.SuiteLegacy), nil
}

func (s *Server) hostAuthorities() [][]byte { return [][]byte{s.hostCA.Certificate().Raw} }

// authenticate returns the bot that the connection's certificate belongs to.
func (s *Server) authenticate(r *http.Request) (botIdentity, error) {
	if len(r.TLS.VerifiedChains) == 0 {
		return botIdentity{}, trace.AccessDenied("a bot's credential is required")
	}
	certificate := r.TLS.VerifiedChains[0][0]
	// A connection outlives the moment when its certificate was checked.
	if s.now().After(certificate.NotAfter) {
		return botIdentity{}, trace.AccessDenied("access denied: client credentials have expired, please relogin.")
	}
	identity, err := identityFromCertificate(certificate)
	if err != nil {
		return botIdentity{}, err
	}
	return identity, s.checkLocks(identity)
}
