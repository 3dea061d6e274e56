package fileconfig

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"istio-teleport/lab/go/teleport-double/internal/clustertest"
)

var trusted clustertest.Proxy

func TestMain(m *testing.M) {
	clustertest.TrustedProxy(m, func(p clustertest.Proxy) { trusted = p })
}

func TestRead(t *testing.T) {
	c, err := Read(clustertest.WriteConfig(t, "/data", "a.example", "127.0.0.1:3080", trusted))
	if err != nil {
		t.Fatal(err)
	}
	if c.Auth.ClusterName != "a.example" || c.Proxy.WebListenAddr != "127.0.0.1:3080" || c.AdminSocket() != "/data/admin.sock" {
		t.Errorf("%+v", c)
	}
}

// Teleport lib/config/fileconf.go: keys that it does not know are refused.
func TestRefused(t *testing.T) {
	path := clustertest.WriteConfig(t, "/data", "a.example", "127.0.0.1:3080", trusted)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"cluster_name", "cluster-name", `failed parsing the config file: error unmarshaling JSON: while decoding JSON: json: unknown field "cluster-name"`},
		{"version: v3", "version: v1", "version must be v3"},
		{`ssh_service: {enabled: "no"}`, "", "ssh_service must not"},
		{`{enabled: "yes", cluster_name`, `{enabled: "no", cluster_name`, "must be enabled"},
		{`data_dir: "/data"`, "", "data_dir"},
		{"https_keypairs", "public_addr: x\n  #", "https_keypairs must have one pair"},
	} {
		changed := strings.Replace(string(text), c.old, c.new, 1)
		if changed == string(text) {
			t.Fatalf("no %q in the file", c.old)
		}
		file := filepath.Join(t.TempDir(), "teleport.yaml")
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(file); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.new, err)
		}
	}
	if _, err := Read("/nowhere.yaml"); err == nil || !strings.Contains(err.Error(), "/nowhere.yaml") {
		t.Errorf("no file: %v", err)
	}
}

// PR 45344: a proxy does not start with a certificate that its own host does not
// trust.
func TestWebCertificate(t *testing.T) {
	untrusted, err := clustertest.NewProxy(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		proxy clustertest.Proxy
		want  string
	}{{trusted, ""}, {untrusted, "x509: certificate signed by unknown authority"}} {
		config, err := Read(clustertest.WriteConfig(t, "/data", "a.example", "127.0.0.1:3080", c.proxy))
		if err != nil {
			t.Fatal(err)
		}
		_, err = config.WebCertificate()
		if (c.want == "") != (err == nil) || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%v, want %q", err, c.want)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "unable to verify HTTPS certificate chain in "+c.proxy.Certificate) {
			t.Errorf("%v", err)
		}
	}
}
