// Package authapi is the wire between tbot or tctl and the auth server: JSON
// over HTTPS for tbot, JSON over a Unix socket for tctl. Teleport speaks gRPC
// here; nothing of our product sees this wire.
package authapi

import (
	"encoding/json"
	"time"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/authority"
)

// ProtocolAuth is the ALPN protocol by which a client asks a proxy for the Auth
// Service behind it (Teleport lib/srv/alpnproxy/common/protocols.go).
const ProtocolAuth = "teleport-auth@"

// The paths of the API for bots. Join needs no credential, ping takes one if it
// is there, the others need a bot's.
const (
	PathPing        = "/v1/ping"
	PathJoin        = "/v1/join"
	PathImpersonate = "/v1/impersonate"
	PathIssue       = "/v1/issue"
	PathBundle      = "/v1/bundle"
	PathWatch       = "/v1/watch"
)

// PathWebPing is the one path here that is Teleport's own: its proxy answers it
// without credentials.
const PathWebPing = "/webapi/ping"

// The paths of tctl's API.
const (
	PathAdminStatus    = "/v1/status"
	PathAdminResources = "/v1/resources"
	PathAdminRotate    = "/v1/rotate"

	// PathAdminBreakWatches is for tests: no tctl command has it.
	PathAdminBreakWatches = "/v1/break-watches"
	// PathAdminSteal too.
	PathAdminSteal = "/v1/steal"
)

// PingResponse names the server.
type PingResponse struct {
	ClusterName   string `json:"cluster_name"`
	ServerVersion string `json:"server_version"`
	// SignatureAlgorithmSuite says what keys clients make.
	SignatureAlgorithmSuite string `json:"signature_algorithm_suite"`
	// HostAuthorities are the certificates (DER) that sign the server's TLS
	// certificate; a bot trusts them on first use.
	HostAuthorities [][]byte `json:"host_authorities"`
}

// WebPingResponse names the server to anybody.
type WebPingResponse struct {
	ClusterName   string `json:"cluster_name"`
	ServerVersion string `json:"server_version"`
}

// JoinRequest asks for a bot's credential.
type JoinRequest struct {
	TokenName  string `json:"token_name"`
	JoinMethod string `json:"join_method"`
	// IDToken is the Kubernetes service account token.
	IDToken string `json:"id_token"`
	// PublicKey is in PKIX DER form.
	PublicKey []byte `json:"public_key"`
	// Expires is the end of life that the bot would like.
	Expires time.Time `json:"expires"`
}

// JoinResponse carries a bot's credential.
type JoinResponse struct {
	ClusterName     string   `json:"cluster_name"`
	Certificate     []byte   `json:"certificate"`
	HostAuthorities [][]byte `json:"host_authorities"`
}

// ImpersonateRequest asks for a credential with all of the bot's roles.
type ImpersonateRequest struct {
	// PublicKey is in PKIX DER form.
	PublicKey []byte `json:"public_key"`
	// Expires is the end of life that is asked for.
	Expires time.Time `json:"expires"`
}

// ImpersonateResponse carries such a credential.
type ImpersonateResponse struct {
	Certificate     []byte   `json:"certificate"`
	HostAuthorities [][]byte `json:"host_authorities"`
}

// StealRequest names the bot whose own credential was stolen, and the life that
// the thief asks for, as Go writes durations ("24h").
type StealRequest struct {
	BotName string `json:"bot_name"`
	TTL     string `json:"ttl"`
}

// StealResponse is the thief's working credential, in PEM.
type StealResponse struct {
	Certificate string    `json:"certificate"`
	Key         string    `json:"key"`
	Expires     time.Time `json:"expires"`
}

// IssueRequest asks for X.509 SVIDs, by exactly one of name and labels.
type IssueRequest struct {
	Name   string              `json:"name,omitempty"`
	Labels map[string][]string `json:"labels,omitempty"`
	// PublicKey is in PKIX DER form.
	PublicKey []byte `json:"public_key"`
	// RequestedTTL is 0 for the server's default of one hour.
	RequestedTTL time.Duration       `json:"requested_ttl"`
	Workload     *attribute.Workload `json:"workload,omitempty"`
}

// IssueResponse holds the SVIDs in the order of their workload identities'
// names.
type IssueResponse struct {
	Credentials []Credential `json:"credentials"`
}

// Credential is one X.509 SVID.
type Credential struct {
	WorkloadIdentity string        `json:"workload_identity"`
	SPIFFEID         string        `json:"spiffe_id"`
	Hint             string        `json:"hint,omitempty"`
	Certificate      []byte        `json:"certificate"`
	SerialNumber     string        `json:"serial_number"`
	ExpiresAt        time.Time     `json:"expires_at"`
	TTL              time.Duration `json:"ttl"`
}

// BundleResponse is the trust bundle of the local trust domain.
type BundleResponse struct {
	TrustDomain string `json:"trust_domain"`
	// X509Authorities are certificates in DER form.
	X509Authorities [][]byte `json:"x509_authorities"`
}

// WatchEvent is one line of the answer to a watch. The first has no bundle: it
// confirms that the watch is open.
type WatchEvent struct {
	Bundle *BundleResponse `json:"bundle,omitempty"`
}

// StatusResponse is what `tctl status` prints.
type StatusResponse struct {
	ClusterName     string           `json:"cluster_name"`
	ServerVersion   string           `json:"server_version"`
	SPIFFEAuthority authority.Status `json:"spiffe_authority"`
	// SPIFFEAuthorities are the certificates (DER) of all CAs that SVIDs are
	// verified with.
	SPIFFEAuthorities [][]byte `json:"spiffe_authorities"`
}

// AuthoritySPIFFE is the type of the authority that signs SVIDs, the only one
// that can be rotated.
const AuthoritySPIFFE = "spiffe"

// RotateRequest moves an authority's rotation to a phase.
type RotateRequest struct {
	Type string `json:"type"`
	// TargetPhase is init when it is empty.
	TargetPhase authority.Phase `json:"target_phase"`
	Manual      bool            `json:"manual"`
	// GracePeriod of 0 drops the old authority at once.
	GracePeriod time.Duration `json:"grace_period"`
}

// PutRequest stores a document; Force overwrites.
type PutRequest struct {
	Document json.RawMessage `json:"document"`
	Force    bool            `json:"force"`
}

// ListResponse holds documents in the order of their names.
type ListResponse struct {
	Documents []json.RawMessage `json:"documents"`
}
