package config

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gravitational/trace"
)

const head = `
version: v2
onboarding: {join_method: kubernetes, token: istio-tbot-k8s-join}
proxy_server: teleport.example.com:443
storage: {type: memory}
`

func service(keys string) string {
	return head + "services:\n  - type: workload-identity-api\n    listen: unix:///run/socket\n    selector: {name: x}\n" + keys
}

// parse returns the configuration and what was logged.
func parse(text string) (*Config, string, error) {
	var logged bytes.Buffer
	c, err := Parse([]byte(text), slog.New(slog.NewTextHandler(&logged, nil)))
	return c, logged.String(), err
}

func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, _, err := parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// Teleport lib/tbot/config/config.go: UnmarshalYAML of BotConfig and of each
// service drops KnownFields, so unknown keys vanish. `attestor:` stands in
// Teleport's own documentation.
func TestUnknownKeysAreIgnored(t *testing.T) {
	c := mustParse(t, service("    attestor: {kubernetes: {enabled: true}}\n    nonsense: 1\n")+"nonsense: 1\n")
	if c.Services[0].Attestors.Kubernetes.Enabled {
		t.Error("the misspelt key was read")
	}
	c = mustParse(t, service("    attestors: {kubernetes: {enabled: true, kubelets: {skip_verify: true}}}\n"))
	if k := c.Services[0].Attestors.Kubernetes; !k.Enabled || k.Kubelet.SkipVerify {
		t.Errorf("attestors: %+v", k)
	}
}

// Teleport lib/tbot/bot/onboarding/config.go of early 18.x does not know
// onboarding.kubernetes.token_path, and ignores it like any other key.
func TestTokenPathIsIgnored(t *testing.T) {
	mustParse(t, strings.Replace(head, "token: istio-tbot-k8s-join", "token: istio-tbot-k8s-join, kubernetes: {token_path: /nowhere}", 1))
}

// Teleport lib/tbot/config/config.go and lib/tbot/bot/lifetime.go: at the root
// the two values stand alone and bad ones are warned about; a service needs both
// or neither, and a bad pair is an error. A life of more than 24 h is fine for
// this service.
func TestLifetimes(t *testing.T) {
	c := mustParse(t, head+"credential_ttl: 30m\n")
	if c.Lifetime != (Lifetime{30 * time.Minute, DefaultRenewalInterval}) {
		t.Errorf("only a TTL at the root: %+v", c.Lifetime)
	}
	c = mustParse(t, head)
	if c.Lifetime != (Lifetime{time.Hour, 20 * time.Minute}) {
		t.Errorf("defaults: %+v", c.Lifetime)
	}
	for keys, warning := range map[string]string{
		"credential_ttl: 10m\nrenewal_interval: 20m\n": "shorter than the renewal interval",
		"credential_ttl: 25h\n":                        "exceeds the maximum TTL allowed",
		"certificate_ttl: 2h\n":                        "certificate_ttl is deprecated",
	} {
		if _, logged, err := parse(head + keys); err != nil || !strings.Contains(logged, warning) {
			t.Errorf("%q: %v, logged %q", keys, err, logged)
		}
	}
	c = mustParse(t, head+"certificate_ttl: 2h\ncredential_ttl: 3h\n")
	if c.Lifetime.TTL != 3*time.Hour {
		t.Errorf("the deprecated name wins: %s", c.Lifetime.TTL)
	}
	for keys, fails := range map[string]string{
		"    credential_ttl: 10m\n":                                "must both be specified if either is",
		"    renewal_interval: 10m\n":                              "must both be specified if either is",
		"    credential_ttl: 10m\n    renewal_interval: 20m\n":     "Credential TTL is shorter than the renewal interval",
		"    credential_ttl: -10m\n    renewal_interval: 20m\n":    "credential_ttl must be positive",
		"    credential_ttl: 10m\n    renewal_interval: -20m\n":    "renewal_interval must be positive",
		"    credential_ttl: 336h\n    renewal_interval: 20m\n":    "",
		"    credential_ttl: 10m\n    renewal_interval: 10m\n":     "",
		"    credential_ttl: minutes\n    renewal_interval: 10m\n": "failed parsing config file",
	} {
		_, _, err := parse(service(keys))
		if (fails == "") != (err == nil) || (err != nil && !strings.Contains(trace.UserMessage(err), fails)) {
			t.Errorf("%q: got %v, want %q", keys, err, fails)
		}
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct{ name, text, fails string }{
		{"no YAML", "version: [", "failed parsing config file: yaml"},
		{"key twice", head + "debug: true\ndebug: true\n", "already defined"},
		{"version", strings.Replace(head, "v2", "v3", 1), `unrecognized config version "v3"`},
		{"old version", strings.Replace(head, "version: v2", "", 1), "config version v1"},
		{"join method", strings.Replace(head, "join_method: kubernetes", "join_method: k8s", 1), `unrecognized join method: "k8s"`},
		{"other join method", strings.Replace(head, "join_method: kubernetes", "join_method: iam", 1), "not supported by the double"},
		{"both servers", head + "auth_server: x:3025\n", "either a proxy or auth address must be set"},
		{"no server", strings.Replace(head, "proxy_server: teleport.example.com:443", "", 1), "either a proxy or auth address must be set"},
		{"address without a port", strings.Replace(head, ":443", "", 1), "failed to parse addr"},
		{"storage", strings.Replace(head, "memory", "directory", 1), "only type memory"},
		{"service type", head + "services: [{type: workload-identity-apis}]\n", "unrecognized service type (workload-identity-apis)"},
		{"other service type", head + "services: [{type: identity}]\n", "service type (identity) is not supported by the double"},
		{"no listen", head + "services: [{type: workload-identity-api, selector: {name: x}}]\n", "listen: should not be empty"},
		{"no selector", head + "services: [{type: workload-identity-api, listen: x}]\n", "one of ['name', 'labels'] must be set"},
		{"two selectors", head + "services: [{type: workload-identity-api, listen: x, selector: {name: x, labels: {a: [b]}}}]\n", "at most one of ['name', 'labels'] can be set"},
		{"empty label", head + "services: [{type: workload-identity-api, listen: x, selector: {labels: {a: []}}}]\n", "labels[a]: must have at least one value"},
		{"label without a list", head + "services: [{type: workload-identity-api, listen: x, selector: {labels: {a: b}}}]\n", "failed parsing config file"},
		{"two ports", service("    attestors: {kubernetes: {enabled: true, kubelet: {read_only_port: 1, secure_port: 2}}}\n"), "readOnlyPort and securePort are mutually exclusive"},
		{"trust domain", service("    trust_domains: [x]\n"), "trust_domains"},
		{"insecure with a pin", strings.Replace(head, "join_method", "ca_pins: [x], join_method", 1) + "insecure: true\n", "ca-pin is mutually exclusive with --insecure"},
		{"pin and path", strings.Replace(head, "join_method", "ca_pins: [x], ca_path: y, join_method", 1), "the options ca-pin and ca-path are mutually exclusive"},
		// Teleport lib/tbot/config/naming.go.
		{"reserved name", service("    name: heartbeat\n"), `service name "heartbeat" is reserved for internal use`},
		{"upper case", service("    name: Mesh\n"), `invalid service name: "Mesh"`},
		{"name twice", service("    name: mesh\n  - {type: workload-identity-api, listen: x, selector: {name: x}, name: mesh}\n"), `service name "mesh" used more than once`},
		{"name that is generated", service("    name: workload-identity-api-2\n  - {type: workload-identity-api, listen: x, selector: {name: x}}\n"), "conflicts with an automatically generated service name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, err := parse(c.text)
			if err == nil || !strings.Contains(trace.UserMessage(err), c.fails) {
				t.Errorf("got %v, want %q", err, c.fails)
			}
		})
	}
}

// Teleport lib/tbot/config/naming.go: counted by type, whether named or not.
func TestGeneratedNames(t *testing.T) {
	c := mustParse(t, service("")+"  - {type: workload-identity-api, listen: x, selector: {name: x}, name: a_b+c-1}\n  - {type: workload-identity-api, listen: x, selector: {name: x}}\n")
	for i, want := range []string{"workload-identity-api-1", "a_b+c-1", "workload-identity-api-3"} {
		if c.Services[i].Name != want {
			t.Errorf("service %d is called %q, want %q", i, c.Services[i].Name, want)
		}
	}
}

// Teleport lib/tbot/bot/onboarding/config.go: a token that is a path is read
// from the file.
func TestTokenFromAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("name\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for value, want := range map[string]string{path: "name", "plain": "plain"} {
		if got, err := (Onboarding{TokenValue: value}).Token(); err != nil || got != want {
			t.Errorf("%s: %q, %v", value, got, err)
		}
	}
	if _, err := (Onboarding{TokenValue: "/nowhere/token"}).Token(); err == nil {
		t.Error("a missing file gives a token")
	}
}
