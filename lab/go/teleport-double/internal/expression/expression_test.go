package expression

import (
	"strings"
	"testing"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
)

var attested = &attribute.Attrs{
	Workload: &attribute.Workload{
		Unix: &attribute.Unix{Attested: true, UID: 1337},
		Kubernetes: &attribute.Kubernetes{
			Attested: true, Namespace: "test-app", ServiceAccount: "client",
			Labels: map[string]string{"app": "client"},
		},
	},
}

var unattested = &attribute.Attrs{Workload: &attribute.Workload{Unix: &attribute.Unix{Attested: true}}}

// Teleport lib/auth/machineid/workloadidentityv1/expression/{expression,proto}.go.
func TestEvaluate(t *testing.T) {
	for _, c := range []struct {
		source string
		attrs  *attribute.Attrs
		want   bool
		fails  string
	}{
		{`workload.kubernetes.namespace == "test-app"`, attested, true, ""},
		{`workload.kubernetes.namespace != "test-app"`, attested, false, ""},
		{`workload.kubernetes.attested && workload.kubernetes.service_account == "client"`, attested, true, ""},
		{`workload.kubernetes.labels["app"] == "client"`, attested, true, ""},
		{`workload.unix.uid == 1337`, attested, true, ""},
		{`!(workload.unix.uid == 1337) || false`, attested, false, ""},
		// An empty string is no error in a rule, only in a template.
		{`workload.kubernetes.pod_name == ""`, attested, true, ""},
		// Of && and || the right side is left alone when the left decides.
		{`workload.unix.attested || workload.kubernetes.attested`, unattested, true, ""},
		{`workload.kubernetes.namespace == "x"`, unattested, false, "workload.kubernetes is unset"},
		{`workload.kubernetes.container.name == "x"`, attested, false, "workload.kubernetes.container is unset"},
		{`workload.kubernetes.labels["no"] == "x"`, attested, false, `no value for key: "no"`},
		{`workload.kubernetes.node == "x"`, attested, false, `unknown identifier: "workload.kubernetes.node"`},
		// "type" is a keyword of the language, so the enumeration can not even be named.
		{`workload.kubernetes.container.type == 2`, attested, false, "parsing expression"},
		{`workload.kubernetes == "x"`, attested, false, `unknown identifier: "workload.kubernetes"`},
		{`workload.kubernetes.namespace`, attested, false, "does not evaluate to a boolean"},
		{`workload.kubernetes.namespace == 1`, attested, false, "two values of one type"},
		{`contains(user.traits["x"], "y")`, attested, false, "not supported by the double"},
		{`workload.unix.uid > 1`, attested, false, "not supported by the double"},
		{`workload.kubernetes.namespace ==`, attested, false, "parsing expression"},
	} {
		t.Run(c.source, func(t *testing.T) {
			got, err := Evaluate(c.source, c.attrs)
			check(t, got, err, c.want, c.fails)
		})
	}
}

// Teleport .../expression/template.go and proto.go.
func TestRender(t *testing.T) {
	for _, c := range []struct {
		template string
		attrs    *attribute.Attrs
		want     string
		fails    string
	}{
		{"/ns/{{ workload.kubernetes.namespace }}/sa/{{workload.kubernetes.service_account}}", attested, "/ns/test-app/sa/client", ""},
		{"/pid/{{ workload.unix.pid }}/{{ workload.unix.attested }}", attested, "/pid/0/true", ""},
		// Teleport expression/template.go@08faf2f75e and proto.go@00589fbd16: an
		// unsigned number is no string, bool or int.
		{"/uid/{{ workload.unix.uid }}", attested, "", "expression did not evaluate to a string: "},
		{"/gid/{{ workload.unix.gid }}", attested, "", "expression did not evaluate to a string: "},
		{`/{{ workload.kubernetes.labels["app"] }}/x`, attested, "/client/x", ""},
		{"/plain", unattested, "/plain", ""},
		{"/a{{  }}b", attested, "/ab", ""},
		// A brace inside the braces makes it literal text.
		{"/{{ {x} }}", attested, "/{{ {x} }}", ""},
		{"/{{ workload.kubernetes.namespace", attested, "/{{ workload.kubernetes.namespace", ""},
		{"/{{ workload.kubernetes.pod_name }}", attested, "", "workload.kubernetes.pod_name is unset"},
		{"/{{ workload.kubernetes.namespace }}", unattested, "", "workload.kubernetes is unset"},
		{`/{{ workload.kubernetes.labels["no"] }}`, attested, "", `no value for key: "no"`},
		{"/{{ strings.lower(workload.kubernetes.namespace) }}", attested, "", "not supported by the double"},
	} {
		t.Run(c.template, func(t *testing.T) {
			got, err := Render(c.template, c.attrs)
			check(t, got, err, c.want, c.fails)
		})
	}
}

func check[T comparable](t *testing.T, got T, err error, want T, fails string) {
	t.Helper()
	switch {
	case fails != "" && (err == nil || !strings.Contains(err.Error(), fails)):
		t.Errorf("got error %v, want %q", err, fails)
	case fails == "" && (err != nil || got != want):
		t.Errorf("got %v, %v, want %v", got, err, want)
	}
}
