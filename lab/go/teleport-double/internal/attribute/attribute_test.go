package attribute

import (
	"strings"
	"testing"
)

// Teleport lib/auth/machineid/workloadidentityv1/decision.go,
// getFieldStringValue: only unknown names are errors.
func TestConditionValue(t *testing.T) {
	attested := &Attrs{
		Workload: &Workload{
			Unix:       &Unix{Attested: true, UID: 1337},
			Kubernetes: &Kubernetes{Attested: true, Namespace: "test-app", Container: &Container{Type: ContainerTypeInit}},
		},
		User: &User{IsBot: true},
	}
	for _, c := range []struct {
		name  string
		attrs *Attrs
		path  string
		want  string
		fails string
	}{
		{"string", attested, "workload.kubernetes.namespace", "test-app", ""},
		{"bool", attested, "user.is_bot", "true", ""},
		{"number", attested, "workload.unix.uid", "1337", ""},
		{"unset string is empty", &Attrs{}, "workload.kubernetes.namespace", "", ""},
		{"unset bool is false", &Attrs{}, "workload.kubernetes.attested", "false", ""},
		{"unset number is 0", &Attrs{}, "workload.unix.uid", "0", ""},
		{"unset nested message", attested, "join.kubernetes.pod.name", "", ""},
		{"unknown name", attested, "workload.kubernetes.node", "", `attribute "node" not found`},
		{"a name that Teleport's docs invent", attested, "join.kubernetes.namespace", "", `attribute "namespace" not found`},
		{"map", attested, "workload.kubernetes.labels", "", `attribute "labels" of type "message" cannot be converted to string`},
		{"key of a map", attested, "workload.kubernetes.labels.app", "", `attribute "labels" is not a message`},
		{"message", attested, "workload.kubernetes", "", `attribute "kubernetes" of type "message" cannot be converted to string`},
		{"enumeration", attested, "workload.kubernetes.container.type", "", `attribute "type" of type "enum" cannot be converted to string`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ConditionValue(c.attrs, c.path)
			switch {
			case c.fails != "" && (err == nil || !strings.Contains(err.Error(), c.fails)):
				t.Errorf("got error %v, want %q", err, c.fails)
			case c.fails == "" && (err != nil || got != c.want):
				t.Errorf("got %q, %v, want %q", got, err, c.want)
			}
		})
	}
}
