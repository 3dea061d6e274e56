package access

import (
	"strings"
	"testing"

	"istio-teleport/lab/go/teleport-double/internal/resource"
)

var dev = map[string]resource.Strings{"env": {"dev"}}

func rules(resources, verbs resource.Strings) []resource.RoleRule {
	return []resource.RoleRule{{Resources: resources, Verbs: verbs}}
}

func role(allow, deny resource.RoleConditions) *resource.Role {
	return &resource.Role{Spec: resource.RoleSpec{Allow: allow, Deny: deny}}
}

// Teleport lib/auth/machineid/workloadidentityv1/issuer_service.go,
// authorizeIssuance: rules AND labels, across all roles; denials win (Teleport
// lib/services/role.go).
func TestGates(t *testing.T) {
	identity := &resource.WorkloadIdentity{Metadata: &resource.Metadata{Labels: map[string]string{"env": "dev"}}}
	both := resource.RoleConditions{WorkloadIdentityLabels: dev, Rules: rules(resource.Strings{"workload_identity"}, resource.Strings{VerbList, VerbRead})}
	onlyLabels := resource.RoleConditions{WorkloadIdentityLabels: dev}
	onlyRules := resource.RoleConditions{Rules: both.Rules}
	onlyRead := resource.RoleConditions{WorkloadIdentityLabels: dev, Rules: rules(resource.Strings{"workload_identity"}, resource.Strings{VerbRead})}
	everything := resource.RoleConditions{
		WorkloadIdentityLabels: map[string]resource.Strings{"*": {"*"}}, Rules: rules(resource.Strings{"*"}, resource.Strings{"*"})}
	otherKind := resource.RoleConditions{Rules: rules(resource.Strings{"bot"}, resource.Strings{VerbList, VerbRead})}
	none := resource.RoleConditions{}
	for _, c := range []struct {
		name         string
		roles        Roles
		rulesFail    string
		labelsAllow  bool
		verbsChecked []string
	}{
		{"both", Roles{role(both, none)}, "", true, []string{VerbRead, VerbList}},
		{"wildcards", Roles{role(everything, none)}, "", true, []string{VerbRead, VerbList}},
		{"one gate each in two roles", Roles{role(onlyLabels, none), role(onlyRules, none)}, "", true, []string{VerbRead, VerbList}},
		{"labels without rules", Roles{role(onlyLabels, none)}, `access denied to perform action "read" on "workload_identity"`, true, []string{VerbRead}},
		{"rules without labels", Roles{role(onlyRules, none)}, "", false, []string{VerbRead, VerbList}},
		{"read is enough for a name", Roles{role(onlyRead, none)}, "", true, []string{VerbRead}},
		{"but not for labels", Roles{role(onlyRead, none)}, `access denied to perform action "list" on "workload_identity"`, true, []string{VerbRead, VerbList}},
		{"rules on another kind", Roles{role(otherKind, none)}, `action "read"`, false, []string{VerbRead}},
		{"denied verbs", Roles{role(both, onlyRead)}, `action "read"`, false, []string{VerbRead}},
		{"denied by another role", Roles{role(both, none), role(none, onlyLabels)}, "", false, []string{VerbRead}},
		{"no role", nil, `action "read"`, false, []string{VerbRead}},
	} {
		t.Run(c.name, func(t *testing.T) {
			err := c.roles.CheckRules(c.verbsChecked...)
			if (c.rulesFail == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.rulesFail)) {
				t.Errorf("rules: got %v, want %q", err, c.rulesFail)
			}
			if err := c.roles.CheckLabels(identity); (err == nil) != c.labelsAllow {
				t.Errorf("labels: got %v", err)
			}
		})
	}
}

// Teleport lib/services/role.go, MatchLabels.
func TestMatchLabels(t *testing.T) {
	for _, c := range []struct {
		name     string
		selector map[string][]string
		labels   map[string]string
		want     bool
	}{
		{"equal", map[string][]string{"env": {"dev"}}, map[string]string{"env": "dev", "x": "y"}, true},
		{"one of the values", map[string][]string{"env": {"prod", "dev"}}, map[string]string{"env": "dev"}, true},
		{"every key must match", map[string][]string{"env": {"dev"}, "x": {"y"}}, map[string]string{"env": "dev"}, false},
		{"empty selector matches nothing", nil, map[string]string{"env": "dev"}, false},
		{"everything", map[string][]string{"*": {"*"}}, nil, true},
		{"any value", map[string][]string{"env": {"*"}}, map[string]string{"env": "dev"}, true},
		{"any value of a missing key", map[string][]string{"env": {"*"}}, nil, false},
		{"pattern", map[string][]string{"env": {"d*"}}, map[string]string{"env": "dev"}, true},
		{"a dot is a dot", map[string][]string{"env": {"d.v"}}, map[string]string{"env": "dev"}, false},
		{"regular expression", map[string][]string{"env": {"^(dev|test)$"}}, map[string]string{"env": "dev"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := MatchLabels(c.selector, c.labels); got != c.want {
				t.Errorf("got %t", got)
			}
		})
	}
}
