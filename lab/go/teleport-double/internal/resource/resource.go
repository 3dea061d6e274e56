// Package resource reads and checks the four kinds of Teleport documents that
// this project renders (role, bot, token and workload_identity) and two that
// change what becomes of them (lock and cluster_auth_preference).
//
// Parse is what tctl does before it sends anything, Validate what the auth
// server does before it stores anything. Both are as strict and as lax as
// Teleport: unknown keys are refused, and what Teleport does not look at on
// writing (the text of a JWKS, the characters of a SPIFFE ID path, the syntax of
// a template) is stored as it is and fails later.
package resource

import (
	"bytes"
	"encoding/json"
	"time"

	"github.com/gravitational/trace"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/durationpb"
)

// Kind is the kind of a resource.
type Kind string

// The kinds that are played.
const (
	KindRole             Kind = "role"
	KindBot              Kind = "bot"
	KindToken            Kind = "token"
	KindWorkloadIdentity Kind = "workload_identity"
	KindLock             Kind = "lock"
	KindAuthPreference   Kind = "cluster_auth_preference"
)

// KindFromName resolves the names that tctl takes on its command line.
func KindFromName(name string) (Kind, error) {
	switch name {
	case "role", "roles":
		return KindRole, nil
	case "bot", "bots":
		return KindBot, nil
	case "token", "tokens":
		return KindToken, nil
	case "workload_identity", "workload_identities":
		return KindWorkloadIdentity, nil
	case "lock", "locks":
		return KindLock, nil
	case "cluster_auth_preference", "cap":
		return KindAuthPreference, nil
	default:
		return "", trace.BadParameter("resource kind %q is not supported by the double", name)
	}
}

// Resource is any of the documents.
type Resource interface {
	// ResourceKind is the kind it is stored under.
	ResourceKind() Kind
	// ResourceName is metadata.name.
	ResourceName() string
	// Validate applies the server's rules for writing, and fills in the
	// defaults that the server stores.
	Validate() error
}

// Metadata is the head of every document.
type Metadata struct {
	Name        string            `json:"name,omitempty"`
	Namespace   string            `json:"namespace,omitempty"`
	Description string            `json:"description,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Expires     *time.Time        `json:"expires,omitempty"`
	Revision    string            `json:"revision,omitempty"`
}

// Parse reads one document given as JSON. Unknown keys are errors, as they are
// for tctl (tool/tctl/common/resources/{token,role,workload_identity,bot}.go:
// DisallowUnknown, and protojson's default).
func Parse(document []byte) (Resource, error) {
	var header struct {
		Kind string `json:"kind"`
	}
	if err := json.Unmarshal(document, &header); err != nil {
		return nil, trace.BadParameter("%v", err)
	}
	// A document of nothing but comments ends up here too.
	if header.Kind == "" {
		return nil, trace.BadParameter("creating resources of type %q is not supported", header.Kind)
	}
	kind, err := KindFromName(header.Kind)
	if err != nil {
		return nil, err
	}
	var target Resource
	switch kind {
	case KindRole:
		target = &Role{}
	case KindBot:
		target = &Bot{}
	case KindToken:
		target = &Token{}
	case KindLock:
		target = &Lock{}
	case KindAuthPreference:
		target = &AuthPreference{}
	default:
		target = &WorkloadIdentity{}
	}
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return nil, trace.BadParameter("%v", err)
	}
	return target, nil
}

// ProtoDuration is a duration in protobuf's JSON form: seconds with the suffix
// "s" ("3600s"). "1h" is not accepted (protojson).
type ProtoDuration time.Duration

// UnmarshalJSON reads the protobuf form.
func (d *ProtoDuration) UnmarshalJSON(text []byte) error {
	var message durationpb.Duration
	if err := protojson.Unmarshal(text, &message); err != nil {
		return err
	}
	*d = ProtoDuration(message.AsDuration())
	return nil
}

// MarshalJSON writes the protobuf form.
func (d ProtoDuration) MarshalJSON() ([]byte, error) {
	return protojson.Marshal(durationpb.New(time.Duration(d)))
}

// Duration returns the value, 0 for a nil pointer.
func (d *ProtoDuration) Duration() time.Duration {
	if d == nil {
		return 0
	}
	return time.Duration(*d)
}

// Duration is a duration in Teleport's own form: "1h0m0s", or "never" for 0. A
// number is not accepted (Teleport api/types/duration.go).
type Duration time.Duration

// UnmarshalJSON reads Teleport's form.
func (d *Duration) UnmarshalJSON(text []byte) error {
	var value string
	if err := json.Unmarshal(text, &value); err != nil {
		return err
	}
	if value == "never" {
		*d = 0
		return nil
	}
	parsed, err := time.ParseDuration(value)
	if err != nil {
		return err
	}
	*d = Duration(parsed)
	return nil
}

// MarshalJSON writes Teleport's form.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// Strings is a list that may be written as a single string in YAML, as label
// values and rule verbs may (Teleport api/utils.Strings).
type Strings []string

// UnmarshalJSON accepts a string or a list of strings.
func (s *Strings) UnmarshalJSON(text []byte) error {
	var one string
	if err := json.Unmarshal(text, &one); err == nil {
		*s = Strings{one}
		return nil
	}
	var many []string
	if err := json.Unmarshal(text, &many); err != nil {
		return err
	}
	*s = many
	return nil
}
