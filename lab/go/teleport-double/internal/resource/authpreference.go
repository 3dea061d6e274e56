package resource

import (
	"encoding/json"
	"slices"

	"github.com/gravitational/trace"
)

// AuthPreference is `kind: cluster_auth_preference, version: v2`. There is one.
type AuthPreference struct {
	Kind     string             `json:"kind"`
	SubKind  string             `json:"sub_kind,omitempty"`
	Version  string             `json:"version"`
	Metadata Metadata           `json:"metadata"`
	Spec     AuthPreferenceSpec `json:"spec"`
}

// AuthPreferenceSpec is read for the kind of keys alone.
type AuthPreferenceSpec struct {
	SignatureAlgorithmSuite string
	// Unread keeps the other keys as they were written.
	Unread map[string]json.RawMessage
}

// The suites (Teleport lib/cryptosuites/suites.go). Of an SVID's key the legacy
// suite makes RSA 2048, each other ECDSA P-256.
const (
	SuiteLegacy   = "legacy"
	SuiteBalanced = "balanced-v1"
)

var suites = []string{SuiteLegacy, SuiteBalanced, "fips-v1", "hsm-v1"}

const signatureAlgorithmSuite = "signature_algorithm_suite"

// AuthPreferenceName is the name of the only one.
const AuthPreferenceName = "cluster-auth-preference"

// UnmarshalJSON reads the one part that matters and keeps the rest.
func (s *AuthPreferenceSpec) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &s.Unread); err != nil {
		return err
	}
	suite, ok := s.Unread[signatureAlgorithmSuite]
	if !ok {
		return nil
	}
	delete(s.Unread, signatureAlgorithmSuite)
	return json.Unmarshal(suite, &s.SignatureAlgorithmSuite)
}

// MarshalJSON writes all keys again.
func (s AuthPreferenceSpec) MarshalJSON() ([]byte, error) {
	keys := map[string]any{}
	for key, value := range s.Unread {
		keys[key] = value
	}
	if s.SignatureAlgorithmSuite != "" {
		keys[signatureAlgorithmSuite] = s.SignatureAlgorithmSuite
	}
	return json.Marshal(keys)
}

// ResourceKind implements Resource.
func (p *AuthPreference) ResourceKind() Kind { return KindAuthPreference }

// ResourceName implements Resource.
func (p *AuthPreference) ResourceName() string { return AuthPreferenceName }

// Validate implements Resource (Teleport api/types/authentication.go). A suite
// that is not set counts as legacy.
func (p *AuthPreference) Validate() error {
	suite := p.Spec.SignatureAlgorithmSuite
	if suite != "" && !slices.Contains(suites, suite) {
		return trace.BadParameter("unsupported signature algorithm suite: %q", suite)
	}
	p.Metadata.Name = AuthPreferenceName
	if p.Version == "" {
		p.Version = "v2"
	}
	return nil
}
