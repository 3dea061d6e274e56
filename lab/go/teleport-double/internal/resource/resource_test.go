package resource

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/gravitational/trace"
	"sigs.k8s.io/yaml"
)

// read is what happens to a document on `tctl create`: parsed by tctl, checked
// by the server.
func read(t *testing.T, document string) (Resource, error) {
	t.Helper()
	text, err := yaml.YAMLToJSON([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := Parse(text)
	if err != nil {
		return nil, err
	}
	return parsed, parsed.Validate()
}

type documentCase struct {
	name     string
	document string
	// fails is part of the error; empty for a document that is stored.
	fails string
}

func run(t *testing.T, cases []documentCase) {
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := read(t, c.document)
			switch {
			case c.fails == "" && err != nil:
				t.Errorf("refused: %s", trace.UserMessage(err))
			case c.fails != "" && (err == nil || !strings.Contains(trace.UserMessage(err), c.fails)):
				t.Errorf("got error %v, want %q", err, c.fails)
			}
		})
	}
}

func workloadIdentity(spec string) string {
	return "{kind: workload_identity, version: v1, metadata: {name: x}, spec: " + spec + "}"
}

// Teleport lib/services/workload_identity.go, ValidateWorkloadIdentity; unknown
// keys: tool/tctl/common/resources/workload_identity.go, DisallowUnknown.
func TestWorkloadIdentity(t *testing.T) {
	run(t, []documentCase{
		{"smallest", workloadIdentity(`{spiffe: {id: /a}}`), ""},
		{"14 days", workloadIdentity(`{spiffe: {id: /a, x509: {maximum_ttl: 1209600s}}}`), ""},
		{"more than 14 days", workloadIdentity(`{spiffe: {id: /a, x509: {maximum_ttl: 1209601s}}}`), "spec.spiffe.x509.maximum_ttl: must be less than 336h0m0s"},
		{"JWT of more than a day", workloadIdentity(`{spiffe: {id: /a, jwt: {maximum_ttl: 86401s}}}`), "spec.spiffe.jwt.maximum_ttl: must be less than 24h0m0s"},
		{"1h is no protobuf duration", workloadIdentity(`{spiffe: {id: /a, x509: {maximum_ttl: 1h}}}`), `invalid google.protobuf.Duration value "1h"`},
		{"id without a slash", workloadIdentity(`{spiffe: {id: a}}`), "spec.spiffe.id: must start with a /"},
		{"no id", workloadIdentity(`{spiffe: {}}`), "spec.spiffe.id: is required"},
		{"no spec", `{kind: workload_identity, version: v1, metadata: {name: x}}`, "spec: is required"},
		{"no name", `{kind: workload_identity, version: v1, metadata: {}, spec: {spiffe: {id: /a}}}`, "metadata.name: is required"},
		{"version", `{kind: workload_identity, version: v2, metadata: {name: x}, spec: {spiffe: {id: /a}}}`, `version: only "v1" is supported`},
		{"unknown key", workloadIdentity(`{spiffe: {ID: /a, id: /a, idd: /a}}`), "unknown field"},
		{"there is no deny", workloadIdentity(`{rules: {deny: []}, spiffe: {id: /a}}`), "unknown field"},
		{"rule without anything", workloadIdentity(`{rules: {allow: [{}]}, spiffe: {id: /a}}`), "spec.rules.allow[0].conditions: must be non-empty"},
		{"expression and conditions", workloadIdentity(`{rules: {allow: [{expression: "true", conditions: [{attribute: user.name, eq: {value: x}}]}]}, spiffe: {id: /a}}`), "is mutually exclusive with expression"},
		{"bad expression", workloadIdentity(`{rules: {allow: [{expression: "workload.x == 1"}]}, spiffe: {id: /a}}`), "spec.rules.allow[0].expression: invalid expression"},
		{"condition without attribute", workloadIdentity(`{rules: {allow: [{conditions: [{eq: {value: x}}]}]}, spiffe: {id: /a}}`), "spec.rules.allow[0].conditions[0].attribute: must be non-empty"},
		{"condition without operator", workloadIdentity(`{rules: {allow: [{conditions: [{attribute: user.name}]}]}, spiffe: {id: /a}}`), "spec.rules.allow[0].conditions[0]: operator must be specified"},
		{"two operators", workloadIdentity(`{rules: {allow: [{conditions: [{attribute: user.name, eq: {value: x}, not_eq: {value: z}}]}]}, spiffe: {id: /a}}`), "only one operator"},
		// What follows is wrong and is stored; it fails when issuing.
		{"trailing slash", workloadIdentity(`{spiffe: {id: /a/}}`), ""},
		{"characters no SPIFFE ID has", workloadIdentity(`{spiffe: {id: "/ä b"}}`), ""},
		{"broken template", workloadIdentity(`{spiffe: {id: "/{{ workload.x"}}`), ""},
		{"unknown attribute in a template", workloadIdentity(`{spiffe: {id: "/{{ workload.x }}"}}`), ""},
		{"unknown attribute in a condition", workloadIdentity(`{rules: {allow: [{conditions: [{attribute: workload.x, eq: {value: x}}]}]}, spiffe: {id: /a}}`), ""},
		{"name that is no DNS name", workloadIdentity(`{spiffe: {id: /a, x509: {dns_sans: ["*.x"]}}}`), ""},
	})
}

func token(kubernetes string) string {
	return "{kind: token, version: v2, metadata: {name: x}, spec: {roles: [Bot], bot_name: b, join_method: kubernetes, kubernetes: " + kubernetes + "}}"
}

// Teleport api/types/provisioning.go.
func TestToken(t *testing.T) {
	const allow = `allow: [{service_account: "ns:sa"}]`
	run(t, []documentCase{
		{"static_jwks", token(`{type: static_jwks, static_jwks: {jwks: "{}"}, ` + allow + `}`), ""},
		// The text of a JWKS is not parsed when the token is written.
		{"text that is no JWKS", token(`{type: static_jwks, static_jwks: {jwks: fake-jwks}, ` + allow + `}`), ""},
		{"quotes escaped by a sed script", token(`{type: static_jwks, static_jwks: {jwks: '{\"keys\":[]}'}, ` + allow + `}`), ""},
		{"no type is in_cluster", token(`{` + allow + `}`), ""},
		{"in_cluster with a JWKS", token(`{static_jwks: {jwks: "{}"}, ` + allow + `}`), `static_jwks: must not be set when type is "in_cluster"`},
		{"static_jwks without a JWKS", token(`{type: static_jwks, ` + allow + `}`), `static_jwks: must be set when type is "static_jwks"`},
		{"empty JWKS", token(`{type: static_jwks, static_jwks: {jwks: ""}, ` + allow + `}`), "static_jwks.jwks: must be set"},
		{"oidc", token(`{type: oidc, oidc: {issuer: "https://x"}, ` + allow + `}`), ""},
		// Teleport's message lists the join methods by mistake.
		{"bad type", token(`{type: jwks, ` + allow + `}`), "type: must be one of (token, ec2, iam, github, circleci, kubernetes"},
		{"no rule", token(`{allow: []}`), "allow: at least one rule must be set"},
		{"no colon", token(`{allow: [{service_account: sa}]}`), `should be in format "namespace:service_account", got "sa" instead`},
		{"three parts", token(`{allow: [{service_account: "a:b:c"}]}`), `got "a:b:c" instead`},
		// Since PR 64952 (March 2026) empty parts are refused.
		{"empty name", token(`{allow: [{service_account: "ns:"}]}`), `got "ns:" instead`},
		{"empty namespace", token(`{allow: [{service_account: ":sa"}]}`), `got ":sa" instead`},
		// Since PR 66520 (18.8) there are patterns, in pairs.
		{"patterns", token(`{allow: [{service_account_name: "tbot-*", service_account_namespace: "*"}]}`), ""},
		{"half a pair", token(`{allow: [{service_account_name: "tbot-*"}]}`), "must both be set"},
		{"no kubernetes block", `{kind: token, version: v2, metadata: {name: x}, spec: {roles: [Bot], bot_name: b, join_method: kubernetes}}`, `"kubernetes" configuration must be provided`},
		{"no roles", `{kind: token, version: v2, metadata: {name: x}, spec: {join_method: kubernetes}}`, "provisioning token is missing roles"},
		{"Bot without bot_name", `{kind: token, version: v2, metadata: {name: x}, spec: {roles: [Bot], join_method: kubernetes}}`, `token with role "Bot" must set bot_name`},
		{"bot_name without Bot", `{kind: token, version: v2, metadata: {name: x}, spec: {roles: [Node], bot_name: b, join_method: kubernetes}}`, "can only set bot_name"},
		{"unknown join method", `{kind: token, version: v2, metadata: {name: x}, spec: {roles: [Bot], bot_name: b, join_method: k8s}}`, `unknown join method "k8s"`},
		{"no join method is token", `{kind: token, version: v2, metadata: {name: x}, spec: {roles: [Bot], bot_name: b}}`, `join method "token" is not supported by the double`},
		// Teleport tool/tctl/common/resources/token.go, DisallowUnknown.
		{"unknown key", token(`{type: static_jwks, jwks: "{}", ` + allow + `}`), `unknown field "jwks"`},
	})
}

// Teleport lib/auth/machineid/machineidv1/bot_service.go.
func TestBot(t *testing.T) {
	run(t, []documentCase{
		// The roles are not looked up.
		{"role that does not exist", `{kind: bot, version: v1, metadata: {name: b}, spec: {roles: [nobody]}}`, ""},
		{"empty role", `{kind: bot, version: v1, metadata: {name: b}, spec: {roles: [""]}}`, "must not contain empty strings"},
		{"no name", `{kind: bot, version: v1, metadata: {}, spec: {}}`, "metadata.name: must be non-empty"},
		{"no spec", `{kind: bot, version: v1, metadata: {name: b}}`, "spec: must be non-nil"},
		{"unknown key", `{kind: bot, version: v1, metadata: {name: b}, spec: {role: [x]}}`, "unknown field"},
	})
	parsed, err := read(t, `{kind: bot, version: v1, metadata: {name: b}, spec: {}}`)
	if err != nil {
		t.Fatal(err)
	}
	if ttl := parsed.(*Bot).MaxSessionTTL(); ttl != DefaultMaxSessionTTL {
		t.Errorf("default session TTL is %s", ttl)
	}
}

func role(allow string) string {
	return "{kind: role, version: v7, metadata: {name: r}, spec: {allow: " + allow + "}}"
}

// Teleport api/types/role.go and lib/services/role.go.
func TestRole(t *testing.T) {
	run(t, []documentCase{
		{"both gates", role(`{workload_identity_labels: {env: [dev]}, rules: [{resources: [workload_identity], verbs: [list, read]}]}`), ""},
		{"a label's value without a list", role(`{workload_identity_labels: {env: dev}}`), ""},
		{"keys of other parts", role(`{node_labels: {"*": "*"}, logins: [root]}`), ""},
		{"unknown key", role(`{workload_identity_label: {env: [dev]}}`), `unknown field "workload_identity_label"`},
		{"no verbs", role(`{rules: [{resources: [workload_identity]}]}`), "missing verbs"},
		{"no resources", role(`{rules: [{verbs: [read]}]}`), "missing resources"},
		{"wildcard key", role(`{workload_identity_labels: {"*": [dev]}}`), "selector *:<val> is not supported"},
		{"where", role(`{rules: [{resources: [workload_identity], verbs: [read], where: "true"}]}`), "not supported by the double"},
		{"life", `{kind: role, version: v7, metadata: {name: r}, spec: {options: {max_session_ttl: 1h0m0s, forward_agent: true}}}`, ""},
		{"life without a unit", `{kind: role, version: v7, metadata: {name: r}, spec: {options: {max_session_ttl: "3600"}}}`, `missing unit in duration "3600"`},
		{"life as a number", `{kind: role, version: v7, metadata: {name: r}, spec: {options: {max_session_ttl: 3600}}}`, "cannot unmarshal number"},
		{"version", `{kind: role, version: v1, metadata: {name: r}, spec: {}}`, `role version "v1" is not supported`},
	})
}

// Teleport api/types/duration.go and api/types/role.go, CheckAndSetDefaults: the
// life is written in Go's form, and a role without one is stored with 30 h.
func TestRoleOptions(t *testing.T) {
	for options, want := range map[string]string{
		"{max_session_ttl: 1h, forward_agent: true}": `{"forward_agent":true,"max_session_ttl":"1h0m0s"}`,
		"{forward_agent: true}":                      `{"forward_agent":true,"max_session_ttl":"30h0m0s"}`,
		"{}":                                         `{"max_session_ttl":"30h0m0s"}`,
	} {
		parsed, err := read(t, `{kind: role, version: v7, metadata: {name: r}, spec: {options: `+options+`}}`)
		if err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(parsed.(*Role).Spec.Options)
		if err != nil || string(text) != want {
			t.Errorf("%s is stored as %s, %v", options, text, err)
		}
	}
}

// Teleport api/types/lock.go.
func TestLock(t *testing.T) {
	run(t, []documentCase{
		{"user", `{kind: lock, version: v2, metadata: {name: l}, spec: {target: {user: bot-x}}}`, ""},
		{"no target", `{kind: lock, version: v2, metadata: {name: l}, spec: {target: {}}}`, "at least one target field must be set"},
		{"no name", `{kind: lock, version: v2, spec: {target: {user: bot-x}}}`, "missing parameter Name"},
	})
}

// Teleport api/types/authentication.go.
func TestAuthPreference(t *testing.T) {
	run(t, []documentCase{
		{"suite", `{kind: cluster_auth_preference, version: v2, metadata: {name: cluster-auth-preference}, spec: {type: local, signature_algorithm_suite: legacy}}`, ""},
		{"unknown suite", `{kind: cluster_auth_preference, version: v2, spec: {signature_algorithm_suite: rsa}}`, `unsupported signature algorithm suite: "rsa"`},
	})
}

func TestUnknownKinds(t *testing.T) {
	run(t, []documentCase{
		{"other kind", `{kind: user, version: v2}`, `"user" is not supported by the double`},
		{"no kind", `{version: v1}`, `creating resources of type "" is not supported`},
		{"nothing but a comment", "# comment\n", `creating resources of type "" is not supported`},
	})
}

// What is stored comes back whole, keys that the double does not read included.
func TestRoleRoundTrip(t *testing.T) {
	parsed, err := read(t, role(`{node_labels: {"*": "*"}, workload_identity_labels: {env: dev}, rules: [{resources: [workload_identity], verbs: [read]}]}`))
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	again, err := read(t, string(text))
	if err != nil {
		t.Fatal(err)
	}
	allow := again.(*Role).Spec.Allow
	if len(allow.Rules) != 1 || allow.WorkloadIdentityLabels["env"][0] != "dev" || allow.Unread["node_labels"] == nil {
		t.Errorf("lost something: %s", text)
	}
}
