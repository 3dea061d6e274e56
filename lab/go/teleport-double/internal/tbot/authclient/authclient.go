// Package authclient is tbot's side of the wire to the auth server.
package authclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/authapi"
)

// timeout bounds one request, connection included.
const timeout = 20 * time.Second

// watchInitTimeout is how long a server may take to confirm a watch (Teleport
// trust_bundle_cache.go, trustBundleInitTimeout).
const watchInitTimeout = 30 * time.Second

// Client calls one auth server.
type Client struct {
	base string
	http *http.Client
}

// New makes a client without a credential. It checks the proxy's certificate
// against the system's roots, which SSL_CERT_FILE and SSL_CERT_DIR replace.
func New(address string) *Client {
	return newClient(address, &tls.Config{})
}

// WithCredential makes a client that shows a bot's certificate. It asks for the
// Auth Service behind the proxy, and checks the server's against the authorities that came with it.
func WithCredential(address string, credential tls.Certificate, hostAuthorities []*x509.Certificate) *Client {
	roots := x509.NewCertPool()
	for _, authority := range hostAuthorities {
		roots.AddCert(authority)
	}
	return newClient(address, &tls.Config{
		RootCAs:      roots,
		Certificates: []tls.Certificate{credential},
		NextProtos:   []string{authapi.ProtocolAuth},
	})
}

func newClient(address string, config *tls.Config) *Client {
	config.MinVersion = tls.VersionTLS12
	transport := &http.Transport{TLSClientConfig: config, IdleConnTimeout: time.Minute}
	return &Client{base: "https://" + address, http: &http.Client{Transport: transport, Timeout: timeout}}
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Ping asks who the server is.
func (c *Client) Ping(ctx context.Context) (authapi.PingResponse, error) {
	var response authapi.PingResponse
	err := authapi.Call(ctx, c.http, http.MethodGet, c.base+authapi.PathPing, nil, &response)
	return response, trace.Wrap(err)
}

// Join asks for the bot's credential.
func (c *Client) Join(ctx context.Context, request authapi.JoinRequest) (authapi.JoinResponse, error) {
	var response authapi.JoinResponse
	err := authapi.Call(ctx, c.http, http.MethodPost, c.base+authapi.PathJoin, request, &response)
	return response, trace.Wrap(err)
}

// Impersonate asks for a credential with the bot's roles.
func (c *Client) Impersonate(ctx context.Context, request authapi.ImpersonateRequest) (authapi.ImpersonateResponse, error) {
	var response authapi.ImpersonateResponse
	err := authapi.Call(ctx, c.http, http.MethodPost, c.base+authapi.PathImpersonate, request, &response)
	return response, trace.Wrap(err)
}

// Issue asks for X.509 SVIDs.
func (c *Client) Issue(ctx context.Context, request authapi.IssueRequest) (authapi.IssueResponse, error) {
	var response authapi.IssueResponse
	err := authapi.Call(ctx, c.http, http.MethodPost, c.base+authapi.PathIssue, request, &response)
	return response, trace.Wrap(err)
}

// Bundle asks for the trust bundle.
func (c *Client) Bundle(ctx context.Context) (authapi.BundleResponse, error) {
	var response authapi.BundleResponse
	err := authapi.Call(ctx, c.http, http.MethodGet, c.base+authapi.PathBundle, nil, &response)
	return response, trace.Wrap(err)
}

// Watch is an open watch. It lasts until the connection breaks, the context ends
// or it is closed.
type Watch struct {
	body   io.ReadCloser
	events *json.Decoder
	cancel context.CancelFunc
}

// Watch opens a watch and waits for the server's confirmation.
func (c *Client) Watch(ctx context.Context) (*Watch, error) {
	ctx, cancel := context.WithCancel(ctx)
	confirmed := time.AfterFunc(watchInitTimeout, cancel)
	watch, err := c.openWatch(ctx, cancel)
	inTime := confirmed.Stop()
	if err == nil && inTime {
		return watch, nil
	}
	cancel()
	if !inTime {
		return nil, trace.LimitExceeded("timeout waiting for watcher init")
	}
	return nil, err
}

func (c *Client) openWatch(ctx context.Context, cancel context.CancelFunc) (*Watch, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base+authapi.PathWatch, nil)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	// A watch has no end, so the client's timeout must not apply.
	response, err := (&http.Client{Transport: c.http.Transport}).Do(request)
	if err != nil {
		return nil, trace.ConnectionProblem(err, "%v", err)
	}
	if response.StatusCode != http.StatusOK {
		defer response.Body.Close()
		text, _ := io.ReadAll(response.Body)
		return nil, trace.ReadError(response.StatusCode, text)
	}
	watch := &Watch{body: response.Body, events: json.NewDecoder(response.Body), cancel: cancel}
	if err := watch.events.Decode(&authapi.WatchEvent{}); err != nil {
		return nil, trace.Wrap(err, "watcher closed before initialization")
	}
	return watch, nil
}

// Next blocks until the bundle has changed, or the watch is broken.
func (w *Watch) Next() (authapi.BundleResponse, error) {
	var event authapi.WatchEvent
	if err := w.events.Decode(&event); err != nil {
		return authapi.BundleResponse{}, trace.ConnectionProblem(err, "%v", err)
	}
	return *event.Bundle, nil
}

// Close ends the watch.
func (w *Watch) Close() {
	w.cancel()
	_ = w.body.Close()
}
