package resource

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/gravitational/trace"
)

// Role is `kind: role`, version v3 to v9. Only what decides about workload
// identities is read; the other parts of a role are stored unread.
type Role struct {
	Kind     string   `json:"kind"`
	SubKind  string   `json:"sub_kind,omitempty"`
	Version  string   `json:"version"`
	Metadata Metadata `json:"metadata"`
	Spec     RoleSpec `json:"spec"`
}

// RoleSpec holds what the role allows and denies.
type RoleSpec struct {
	Options RoleOptions    `json:"options,omitzero"`
	Allow   RoleConditions `json:"allow,omitzero"`
	Deny    RoleConditions `json:"deny,omitzero"`
}

// RoleOptions are read for the life of credentials alone.
type RoleOptions struct {
	// MaxSessionTTL limits the life of every credential with the role.
	MaxSessionTTL Duration
	// Unread keeps the other keys as they were written.
	Unread map[string]json.RawMessage
}

// UnmarshalJSON reads the one part that matters and keeps the rest.
func (o *RoleOptions) UnmarshalJSON(text []byte) error {
	if err := json.Unmarshal(text, &o.Unread); err != nil {
		return err
	}
	ttl, ok := o.Unread[maxSessionTTL]
	if !ok {
		return nil
	}
	delete(o.Unread, maxSessionTTL)
	return json.Unmarshal(ttl, &o.MaxSessionTTL)
}

// MarshalJSON writes all keys again.
func (o RoleOptions) MarshalJSON() ([]byte, error) {
	keys := map[string]any{maxSessionTTL: o.MaxSessionTTL}
	for key, value := range o.Unread {
		keys[key] = value
	}
	return json.Marshal(keys)
}

const maxSessionTTL = "max_session_ttl"

// defaultRoleTTL is stored with a role that sets no max_session_ttl (Teleport
// api/types/role.go, CheckAndSetDefaults, and defaults.MaxCertDuration).
const defaultRoleTTL = 30 * time.Hour

// RoleConditions is one side of a role. The labels and the rules are two
// separate gates: to issue a workload identity a bot needs both.
type RoleConditions struct {
	WorkloadIdentityLabels map[string]Strings
	Rules                  []RoleRule
	// Unread keeps the other keys as they were written.
	Unread map[string]json.RawMessage
}

// RoleRule allows or denies verbs on kinds of resources.
type RoleRule struct {
	Resources Strings `json:"resources,omitempty"`
	Verbs     Strings `json:"verbs,omitempty"`
	Where     string  `json:"where,omitempty"`
	Actions   Strings `json:"actions,omitempty"`
}

// unreadConditionKeys are the other keys of spec.allow and spec.deny that
// Teleport knows; any further key is refused.
var unreadConditionKeys = []string{
	"account_assignments", "app_labels", "app_labels_expression", "aws_role_arns", "azure_identities",
	"cluster_labels", "cluster_labels_expression", "database_labels", "database_labels_expression",
	"database_names", "database_roles", "database_service_labels", "database_service_labels_expression",
	"database_users", "db_labels", "db_labels_expression", "db_names", "db_permissions", "db_roles",
	"db_service_labels", "db_service_labels_expression", "db_users", "desktop_groups", "gcp_service_accounts",
	"github_permissions", "group_labels", "group_labels_expression", "host_groups", "host_sudoers",
	"impersonate", "join_sessions", "kubernetes_groups", "kubernetes_labels", "kubernetes_labels_expression",
	"kubernetes_resources", "kubernetes_users", "logins", "mcp", "node_labels", "node_labels_expression",
	"request", "require_session_join", "review_requests", "spiffe", "windows_desktop_labels",
	"windows_desktop_labels_expression", "windows_desktop_logins", "workload_identity_labels_expression",
}

// UnmarshalJSON reads the two parts that matter and keeps the rest.
func (c *RoleConditions) UnmarshalJSON(text []byte) error {
	var keys map[string]json.RawMessage
	if err := json.Unmarshal(text, &keys); err != nil {
		return err
	}
	for key, value := range keys {
		var err error
		switch {
		case key == "workload_identity_labels":
			err = json.Unmarshal(value, &c.WorkloadIdentityLabels)
		case key == "rules":
			err = json.Unmarshal(value, &c.Rules)
		case slices.Contains(unreadConditionKeys, key):
			if c.Unread == nil {
				c.Unread = map[string]json.RawMessage{}
			}
			c.Unread[key] = value
		default:
			err = trace.BadParameter("json: unknown field %q", key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// MarshalJSON writes all keys again.
func (c RoleConditions) MarshalJSON() ([]byte, error) {
	keys := map[string]any{}
	for key, value := range c.Unread {
		keys[key] = value
	}
	if c.WorkloadIdentityLabels != nil {
		keys["workload_identity_labels"] = c.WorkloadIdentityLabels
	}
	if c.Rules != nil {
		keys["rules"] = c.Rules
	}
	return json.Marshal(keys)
}

// ResourceKind implements Resource.
func (r *Role) ResourceKind() Kind { return KindRole }

// ResourceName implements Resource.
func (r *Role) ResourceName() string { return r.Metadata.Name }

// MaxSessionTTL is the longest life of a credential with the role.
func (r *Role) MaxSessionTTL() time.Duration { return time.Duration(r.Spec.Options.MaxSessionTTL) }

var roleVersions = []string{"v3", "v4", "v5", "v6", "v7", "v8", "v9"}

// Validate implements Resource (Teleport api/types/role.go and
// lib/services/role.go).
func (r *Role) Validate() error {
	if !slices.Contains(roleVersions, r.Version) {
		return trace.BadParameter("role version %q is not supported", r.Version)
	}
	if r.Metadata.Name == "" {
		return trace.BadParameter("missing parameter Name")
	}
	for _, conditions := range []RoleConditions{r.Spec.Allow, r.Spec.Deny} {
		if _, ok := conditions.Unread["workload_identity_labels_expression"]; ok {
			return trace.BadParameter("workload_identity_labels_expression: not supported by the double")
		}
		for key, values := range conditions.WorkloadIdentityLabels {
			if key == "*" && !(len(values) == 1 && values[0] == "*") {
				return trace.BadParameter("selector *:<val> is not supported")
			}
		}
		for i, rule := range conditions.Rules {
			switch {
			case len(rule.Resources) == 0:
				return trace.BadParameter("failed to process rule %d: missing resources to match", i)
			case len(rule.Verbs) == 0:
				return trace.BadParameter("failed to process rule %d: missing verbs", i)
			case rule.Where != "":
				return trace.BadParameter("failed to process rule %d: where: not supported by the double", i)
			}
		}
	}
	if r.Spec.Options.MaxSessionTTL == 0 {
		r.Spec.Options.MaxSessionTTL = Duration(defaultRoleTTL)
	}
	return nil
}
