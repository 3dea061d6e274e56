// Package access decides what a bot's roles let it do with workload identities
// (Teleport lib/services/role.go). There are two gates and both must open:
// rules (verbs on the kind workload_identity) and labels of the resource.
package access

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/resource"
)

// Verbs on workload_identity that issuing needs: read for a selector by name,
// read and list for a selector by labels.
const (
	VerbRead = "read"
	VerbList = "list"
)

// AdjustSessionTTL cuts a life at the smallest options.max_session_ttl of the
// roles.
func (roles Roles) AdjustSessionTTL(ttl time.Duration) time.Duration {
	for _, role := range roles {
		if maximum := role.MaxSessionTTL(); maximum > 0 {
			ttl = min(ttl, maximum)
		}
	}
	return ttl
}

const wildcard = "*"

// Roles is the set of roles of one bot. Grants add up; any denial wins.
type Roles []*resource.Role

// CheckRules fails unless every verb on workload_identity is allowed.
func (roles Roles) CheckRules(verbs ...string) error {
	for _, verb := range verbs {
		if !roles.verbAllowed(verb) {
			return trace.AccessDenied("access denied to perform action %q on %q", verb, resource.KindWorkloadIdentity)
		}
	}
	return nil
}

func (roles Roles) verbAllowed(verb string) bool {
	allowed := false
	for _, role := range roles {
		if hasRule(role.Spec.Deny.Rules, verb) {
			return false
		}
		allowed = allowed || hasRule(role.Spec.Allow.Rules, verb)
	}
	return allowed
}

func hasRule(rules []resource.RoleRule, verb string) bool {
	return slices.ContainsFunc(rules, func(rule resource.RoleRule) bool {
		return holds(rule.Resources, string(resource.KindWorkloadIdentity)) && holds(rule.Verbs, verb)
	})
}

func holds(list []string, item string) bool {
	return slices.Contains(list, item) || slices.Contains(list, wildcard)
}

// CheckLabels fails unless the roles' workload_identity_labels match the
// resource's labels.
func (roles Roles) CheckLabels(identity *resource.WorkloadIdentity) error {
	allowed := false
	for _, role := range roles {
		if len(role.Spec.Deny.WorkloadIdentityLabels) > 0 &&
			MatchLabels(role.Spec.Deny.WorkloadIdentityLabels, identity.Metadata.Labels) {
			return labelsDenied()
		}
		allowed = allowed || MatchLabels(role.Spec.Allow.WorkloadIdentityLabels, identity.Metadata.Labels)
	}
	if !allowed {
		return labelsDenied()
	}
	return nil
}

func labelsDenied() error {
	return trace.AccessDenied("access to %s denied. User does not have permissions.", resource.KindWorkloadIdentity)
}

// MatchLabels reports whether a selector matches a resource's labels: every key
// must be there with one of its values. An empty selector matches nothing,
// "*": "*" everything. Values may hold * and may be a regular expression between
// ^ and $ (Teleport services.MatchLabels).
func MatchLabels[Values ~[]string](selector map[string]Values, labels map[string]string) bool {
	if len(selector) == 0 {
		return false
	}
	if values, ok := selector[wildcard]; ok && len(values) == 1 && values[0] == wildcard {
		return true
	}
	for key, values := range selector {
		value, ok := labels[key]
		if !ok {
			return false
		}
		if !slices.ContainsFunc(values, func(pattern string) bool { return valueMatches(pattern, value) }) {
			return false
		}
	}
	return true
}

func valueMatches(pattern, value string) bool {
	if pattern == wildcard || pattern == value {
		return true
	}
	expression := pattern
	if !strings.HasPrefix(pattern, "^") || !strings.HasSuffix(pattern, "$") {
		expression = "^" + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, "(.*)") + "$"
	}
	compiled, err := regexp.Compile(expression)
	return err == nil && compiled.MatchString(value)
}
