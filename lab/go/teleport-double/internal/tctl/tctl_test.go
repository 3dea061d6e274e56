package tctl

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/authserver"
	"istio-teleport/lab/go/teleport-double/internal/clustertest"
	"istio-teleport/lab/go/teleport-double/internal/fileconfig"
)

// startServer returns the path of an auth server's teleport.yaml.
func startServer(t *testing.T) string {
	t.Helper()
	dataDir := t.TempDir()
	server, err := authserver.New(authserver.Config{
		DataDir: dataDir, ClusterName: "lab.teleport.example", Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("unix", filepath.Join(dataDir, "admin.sock"))
	if err != nil {
		t.Fatal(err)
	}
	s := &http.Server{Handler: server.AdminHandler()}
	go s.Serve(listener)
	t.Cleanup(func() { s.Close(); server.Close() })
	return clustertest.WriteConfig(t, dataDir, "lab.teleport.example", "127.0.0.1:0", clustertest.Proxy{})
}

func runTctl(t *testing.T, config, stdin string, arguments ...string) (string, error) {
	t.Helper()
	var stdout bytes.Buffer
	err := Run(t.Context(), arguments, Environment{
		Stdin: strings.NewReader(stdin), Stdout: &stdout,
		Getenv: func(name string) string {
			if name == fileconfig.PathEnvironment {
				return config
			}
			return ""
		},
	})
	return stdout.String(), err
}

const (
	roleDocument  = "kind: role\nversion: v7\nmetadata: {name: r}\nspec: {}\n"
	botDocument   = "kind: bot\nversion: v1\nmetadata: {name: b}\nspec: {}\n"
	tokenDocument = "kind: token\nversion: v2\nmetadata: {name: t}\nspec: {roles: [Bot], bot_name: b, join_method: kubernetes, kubernetes: {allow: [{service_account: \"a:b\"}]}}\n"
	wiDocument    = "kind: workload_identity\nversion: v1\nmetadata: {name: w}\nspec: {spiffe: {id: /x}}\n"
)

// Teleport tool/tctl/common/resources/*.go: the words for each kind; a token is
// overwritten without -f, the others are not.
func TestCreate(t *testing.T) {
	for _, c := range []struct{ document, created, secondTime string }{
		{roleDocument, "role \"r\" has been created\n", `role "r" already exists`},
		{botDocument, "Bot \"b\" has been created\n", `bot "b" already exists`},
		{wiDocument, "Workload Identity \"w\" has been created\n", `workload_identity "w" already exists`},
		{tokenDocument, "provision_token \"t\" has been created\n", ""},
	} {
		config := startServer(t)
		out, err := runTctl(t, config, c.document, "create")
		if err != nil || out != c.created {
			t.Errorf("first time: %q, %v", out, err)
		}
		_, err = runTctl(t, config, c.document, "create")
		if (c.secondTime == "") != (err == nil) || (err != nil && trace.UserMessage(err) != c.secondTime) {
			t.Errorf("second time: %v, want %q", err, c.secondTime)
		}
		for _, flag := range []string{"-f", "--force"} {
			if out, err := runTctl(t, config, c.document, "create", flag); err != nil || out != c.created {
				t.Errorf("with %s: %q, %v", flag, out, err)
			}
		}
	}
}

// Teleport lib/modules/modules.go, PrintVersion, and
// tool/tctl/common/status_command.go: a semantic version that says who speaks.
func TestVersion(t *testing.T) {
	version, err := runTctl(t, "", "", "version")
	if err != nil || !regexp.MustCompile(`^Teleport v18\.11\.0\+teleport-double git: go1\.\S+\n$`).MatchString(version) {
		t.Errorf("version: %q, %v", version, err)
	}
	status, err := runTctl(t, startServer(t), "", "status")
	if err != nil || !strings.Contains(status, "\nVersion  18.11.0+teleport-double\n") {
		t.Errorf("status: %q, %v", status, err)
	}
}

// Teleport tool/tctl/common/resource_command.go, Create.
func TestCreateInput(t *testing.T) {
	config := startServer(t)
	file := filepath.Join(t.TempDir(), "documents.yaml")
	if err := os.WriteFile(file, []byte(roleDocument+"---\n"+botDocument), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := runTctl(t, config, "", "create", file); err != nil || strings.Count(out, "created") != 2 {
		t.Errorf("file: %q, %v", out, err)
	}
	// "-" is a file's name; only no name at all is stdin.
	if _, err := runTctl(t, config, roleDocument, "create", "-f", "-"); err == nil {
		t.Error(`"-" was read as stdin`)
	}
	if _, err := runTctl(t, config, "", "create"); err == nil || trace.UserMessage(err) != "no resources found, empty input?" {
		t.Errorf("empty: %v", err)
	}
	// What comes before a bad document stays.
	out, err := runTctl(t, config, wiDocument+"---\nkind: bot\nversion: v1\nmetadata: {name: x}\nspc: {}\n---\n"+tokenDocument, "create")
	if err == nil || !strings.Contains(out, `"w"`) || strings.Contains(out, `"t"`) {
		t.Errorf("bad document in the middle: %q, %v", out, err)
	}
}

func TestGetAndRemove(t *testing.T) {
	config := startServer(t)
	if _, err := runTctl(t, config, roleDocument+"---\n"+strings.ReplaceAll(roleDocument, "name: r", "name: a"), "create"); err != nil {
		t.Fatal(err)
	}
	out, err := runTctl(t, config, "", "get", "role/r")
	if err != nil || !strings.Contains(out, "kind: role\n") || strings.Contains(out, "---") {
		t.Errorf("one as YAML: %q, %v", out, err)
	}
	out, err = runTctl(t, config, "", "get", "roles")
	if err != nil || strings.Count(out, "---\n") != 1 || strings.Index(out, "name: a") > strings.Index(out, "name: r") {
		t.Errorf("all as YAML: %q, %v", out, err)
	}
	out, err = runTctl(t, config, "", "get", "--format=json", "roles")
	if err != nil || !strings.HasPrefix(out, "[") {
		t.Errorf("all as JSON: %q, %v", out, err)
	}
	if _, err := runTctl(t, config, "", "get", "role/x"); !trace.IsNotFound(err) {
		t.Errorf("missing: %v", err)
	}
	if out, err := runTctl(t, config, "", "rm", "role/r"); err != nil || out != "role \"r\" has been deleted\n" {
		t.Errorf("rm: %q, %v", out, err)
	}
	if _, err := runTctl(t, config, "", "rm", "role/r"); !trace.IsNotFound(err) {
		t.Errorf("rm again: %v", err)
	}
	if _, err := runTctl(t, config, "", "rm", "role"); err == nil {
		t.Error("rm of a whole kind")
	}
	if out, err := runTctl(t, config, "", "status"); err != nil || !strings.Contains(out, "lab.teleport.example") {
		t.Errorf("status: %q, %v", out, err)
	}
}

// Teleport tool/tctl/common/auth_rotate_command.go, status_command.go.
func TestRotate(t *testing.T) {
	config := startServer(t)
	for _, c := range []struct{ arguments, printed, status string }{
		{"", "", "spiffe    standby (never rotated) TLS      active\n"},
		{"--manual --type=spiffe --phase=init", `Updated rotation phase to "init".`, "phase: init) TLS      active\n"},
		{"--phase update_clients --manual --type spiffe", `Updated rotation phase to "update_clients".`, "TLS      trusted\n"},
		{"--manual --type=spiffe --phase=update_servers", `Updated rotation phase to "update_servers".`, "phase: update_servers)"},
		{"--manual --type=spiffe --phase=standby", `Updated rotation phase to "standby".`, "spiffe    standby (last rotated: "},
		{"--type=spiffe --grace-period=0", "Initiated certificate authority rotation.", "spiffe    standby (last rotated: "},
	} {
		if c.arguments != "" {
			out, err := runTctl(t, config, "", append([]string{"auth", "rotate"}, strings.Fields(c.arguments)...)...)
			if err != nil || out != c.printed+" To check status use 'tctl status'\n" {
				t.Errorf("%s: %q, %v", c.arguments, out, err)
			}
		}
		if out, err := runTctl(t, config, "", "status"); err != nil || !strings.Contains(out, c.status) {
			t.Errorf("status after %s: %q, %v", c.arguments, out, err)
		}
	}
	for _, c := range []struct{ arguments, refused string }{
		{"--manual --phase=init", "required flag --type not provided"},
		{"--type=spiffe --phase=init", "semi-automatic rotation is not supported"},
		{"--type=host --manual --phase=init", `authority "host" is not supported`},
		{"--type=spiffe --manual --phase=standby", "can not transition"},
	} {
		_, err := runTctl(t, config, "", append([]string{"auth", "rotate"}, strings.Fields(c.arguments)...)...)
		if err == nil || !strings.Contains(trace.UserMessage(err), c.refused) {
			t.Errorf("%s: %v", c.arguments, err)
		}
	}
}

// Teleport tool/tctl/common/resource_command.go, createAuthPreference and Delete:
// there is one, it needs no --force, and deleting it resets it.
func TestAuthPreference(t *testing.T) {
	config := startServer(t)
	for range 2 {
		out, err := runTctl(t, config, "kind: cluster_auth_preference\nversion: v2\nspec: {signature_algorithm_suite: legacy}\n", "create")
		if err != nil || out != "cluster auth preference has been updated\n" {
			t.Errorf("create: %q, %v", out, err)
		}
	}
	if out, err := runTctl(t, config, "", "get", "cap"); err != nil || !strings.Contains(out, "signature_algorithm_suite: legacy") {
		t.Errorf("get: %q, %v", out, err)
	}
	for range 2 {
		if out, err := runTctl(t, config, "", "rm", "cluster_auth_preference"); err != nil || out != "cluster auth preference has been reset to defaults\n" {
			t.Errorf("rm: %q, %v", out, err)
		}
	}
}

// Teleport tool/tctl/common/lock_command.go.
func TestLock(t *testing.T) {
	config := startServer(t)
	out, err := runTctl(t, config, "", "lock", "--user=bot-istio-tbot", "--message", "stolen", "--ttl=1h")
	name, found := strings.CutPrefix(out, "Created a lock with name \"")
	name, _, _ = strings.Cut(name, "\"")
	if err != nil || !found || out != fmt.Sprintf("Created a lock with name %q.\n", name) {
		t.Fatalf("lock: %q, %v", out, err)
	}
	out, err = runTctl(t, config, "", "get", "lock/"+name)
	for _, want := range []string{"user: bot-istio-tbot", "message: stolen", "expires: "} {
		if err != nil || !strings.Contains(out, want) {
			t.Errorf("get lacks %q: %q, %v", want, out, err)
		}
	}
	if _, err := runTctl(t, config, "", "lock"); err == nil || !strings.Contains(err.Error(), "at least one target field must be set") {
		t.Errorf("without a target: %v", err)
	}
	if out, err := runTctl(t, config, "", "rm", "lock/"+name); err != nil || !strings.Contains(out, "has been deleted") {
		t.Errorf("rm: %q, %v", out, err)
	}
}

// Teleport tool/tctl/common/auth_command.go.
func TestExport(t *testing.T) {
	config := startServer(t)
	count := func() int {
		out, err := runTctl(t, config, "", "auth", "export", "--type=tls-spiffe")
		if err != nil {
			t.Fatal(err)
		}
		certificates := x509.NewCertPool()
		if !certificates.AppendCertsFromPEM([]byte(out)) {
			t.Fatalf("no certificates: %q", out)
		}
		return strings.Count(out, "BEGIN CERTIFICATE")
	}
	if count() != 1 {
		t.Error("not one authority before a rotation")
	}
	if _, err := runTctl(t, config, "", "auth", "rotate", "--manual", "--type=spiffe", "--phase=init"); err != nil {
		t.Fatal(err)
	}
	if count() != 2 {
		t.Error("not two during one")
	}
	if _, err := runTctl(t, config, "", "auth", "export", "--type=user"); err == nil || !strings.Contains(err.Error(), "not played") {
		t.Errorf("another type: %v", err)
	}
}

func TestUsage(t *testing.T) {
	for _, arguments := range [][]string{
		{}, {"delete", "role/r"}, {"get"}, {"get", "role", "x"}, {"create", "--config"},
		{"get", "role", "--format=text"}, {"status", "x"}, {"rm", "role/r", "-f"}, {"create", "--unknown"},
		{"auth"}, {"auth", "sign"}, {"status", "--manual"}, {"status", "--user=x"}, {"lock", "--user"}, {"lock", "--ttl=soon"}, {"create", "--type=spiffe"}, {"auth", "rotate", "--grace-period=soon"},
	} {
		if _, err := runTctl(t, "/nowhere", "", arguments...); !errors.Is(err, ErrUsage) {
			t.Errorf("%v: %v", arguments, err)
		}
	}
}

// Teleport tool/tctl/common/tctl.go: the flag comes before the variable, and
// without both tctl looks in /etc.
func TestConfigFile(t *testing.T) {
	config := startServer(t)
	for _, arguments := range [][]string{{"-c", config, "status"}, {"status", "--config=" + config}} {
		if out, err := runTctl(t, "/nowhere.yaml", "", arguments...); err != nil || !strings.Contains(out, "lab.teleport.example") {
			t.Errorf("%v: %q, %v", arguments, out, err)
		}
	}
	if _, err := runTctl(t, "", "", "status"); err == nil || !strings.Contains(err.Error(), "/etc/teleport.yaml") {
		t.Errorf("no file: %v", err)
	}
}
