package resource

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/expression"
)

// WorkloadIdentity is `kind: workload_identity, version: v1`.
type WorkloadIdentity struct {
	Kind     string                `json:"kind"`
	SubKind  string                `json:"sub_kind,omitempty"`
	Version  string                `json:"version"`
	Metadata *Metadata             `json:"metadata"`
	Spec     *WorkloadIdentitySpec `json:"spec"`
}

// WorkloadIdentitySpec holds who gets a credential, and which.
type WorkloadIdentitySpec struct {
	Rules  WorkloadIdentityRules `json:"rules,omitzero"`
	SPIFFE SPIFFE                `json:"spiffe,omitzero"`
}

// WorkloadIdentityRules is a list of alternatives. There is no deny.
type WorkloadIdentityRules struct {
	Allow []WorkloadIdentityRule `json:"allow,omitempty"`
}

// WorkloadIdentityRule is an expression or a list of conditions that must all
// hold.
type WorkloadIdentityRule struct {
	Expression string      `json:"expression,omitempty"`
	Conditions []Condition `json:"conditions,omitempty"`
}

// Condition compares one attribute; exactly one operator is set.
type Condition struct {
	Attribute string          `json:"attribute,omitempty"`
	Eq        *ConditionValue `json:"eq,omitempty"`
	NotEq     *ConditionValue `json:"not_eq,omitempty"`
	In        *ConditionList  `json:"in,omitempty"`
	NotIn     *ConditionList  `json:"not_in,omitempty"`
}

// ConditionValue is the operand of eq and not_eq.
type ConditionValue struct {
	Value string `json:"value,omitempty"`
}

// ConditionList is the operand of in and not_in.
type ConditionList struct {
	Values []string `json:"values,omitempty"`
}

func (c Condition) operators() int {
	count := 0
	for _, set := range []bool{c.Eq != nil, c.NotEq != nil, c.In != nil, c.NotIn != nil} {
		if set {
			count++
		}
	}
	return count
}

// SPIFFE describes the credential.
type SPIFFE struct {
	// ID is the path of the SPIFFE ID, a template.
	ID   string `json:"id,omitempty"`
	Hint string `json:"hint,omitempty"`
	X509 X509   `json:"x509,omitzero"`
	JWT  JWT    `json:"jwt,omitzero"`
}

// X509 describes X.509 SVIDs. MaximumTTL defaults to 24 h and may be at most 14
// days.
type X509 struct {
	DNSSANs         []string         `json:"dns_sans,omitempty"`
	SubjectTemplate *SubjectTemplate `json:"subject_template,omitempty"`
	MaximumTTL      *ProtoDuration   `json:"maximum_ttl,omitempty"`
}

// SubjectTemplate fills in the certificate's subject; each field is a template.
type SubjectTemplate struct {
	CommonName         string `json:"common_name,omitempty"`
	Organization       string `json:"organization,omitempty"`
	OrganizationalUnit string `json:"organizational_unit,omitempty"`
}

// JWT describes JWT-SVIDs, which the double stores but does not issue.
type JWT struct {
	MaximumTTL  *ProtoDuration  `json:"maximum_ttl,omitempty"`
	ExtraClaims json.RawMessage `json:"extra_claims,omitempty"`
}

// ResourceKind implements Resource.
func (w *WorkloadIdentity) ResourceKind() Kind { return KindWorkloadIdentity }

// ResourceName implements Resource.
func (w *WorkloadIdentity) ResourceName() string {
	if w.Metadata == nil {
		return ""
	}
	return w.Metadata.Name
}

const (
	maximumX509TTL = 14 * 24 * time.Hour
	maximumJWTTTL  = 24 * time.Hour
)

// Validate implements Resource (Teleport lib/services/workload_identity.go).
func (w *WorkloadIdentity) Validate() error {
	switch {
	case w.Version != "v1":
		return trace.BadParameter("version: only %q is supported", "v1")
	case w.Metadata == nil:
		return trace.BadParameter("metadata: is required")
	case w.Metadata.Name == "":
		return trace.BadParameter("metadata.name: is required")
	case w.Spec == nil:
		return trace.BadParameter("spec: is required")
	case w.Spec.SPIFFE.ID == "":
		return trace.BadParameter("spec.spiffe.id: is required")
	case !strings.HasPrefix(w.Spec.SPIFFE.ID, "/"):
		return trace.BadParameter("spec.spiffe.id: must start with a /")
	case w.Spec.SPIFFE.X509.MaximumTTL.Duration() > maximumX509TTL:
		return trace.BadParameter("spec.spiffe.x509.maximum_ttl: must be less than %s", maximumX509TTL)
	case w.Spec.SPIFFE.JWT.MaximumTTL.Duration() > maximumJWTTTL:
		return trace.BadParameter("spec.spiffe.jwt.maximum_ttl: must be less than %s", maximumJWTTTL)
	}
	for i, rule := range w.Spec.Rules.Allow {
		if err := rule.validate(i); err != nil {
			return err
		}
	}
	return nil
}

func (r WorkloadIdentityRule) validate(i int) error {
	if r.Expression == "" && len(r.Conditions) == 0 {
		return trace.BadParameter("spec.rules.allow[%d].conditions: must be non-empty", i)
	}
	if r.Expression != "" {
		if len(r.Conditions) != 0 {
			return trace.BadParameter("spec.rules.allow[%d].conditions: is mutually exclusive with expression", i)
		}
		if err := expression.Validate(r.Expression); err != nil {
			return trace.BadParameter("spec.rules.allow[%d].expression: invalid expression: %v", i, err)
		}
	}
	for j, condition := range r.Conditions {
		if condition.Attribute == "" {
			return trace.BadParameter("spec.rules.allow[%d].conditions[%d].attribute: must be non-empty", i, j)
		}
		switch condition.operators() {
		case 0:
			return trace.BadParameter("spec.rules.allow[%d].conditions[%d]: operator must be specified", i, j)
		case 1:
		default:
			// A protobuf oneof: protojson refuses a second member.
			return trace.BadParameter("spec.rules.allow[%d].conditions[%d]: only one operator may be set", i, j)
		}
	}
	return nil
}
