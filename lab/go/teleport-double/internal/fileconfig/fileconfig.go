// Package fileconfig reads teleport.yaml, as far as the double has what it
// configures (Teleport lib/config/fileconf.go).
package fileconfig

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gravitational/trace"
	"sigs.k8s.io/yaml"
)

// PathEnvironment names the variable that holds the file's path where no flag
// does (Teleport lib/defaults, ConfigFileEnvar for teleport and tctl).
const PathEnvironment = "TELEPORT_CONFIG_FILE"

// FileConfig is what the double knows of teleport.yaml. A key that is not here
// is refused: the real one refuses keys that it does not know, and the double
// must not drop one that changes what Teleport does.
type FileConfig struct {
	Version  string  `json:"version"`
	Teleport Global  `json:"teleport"`
	Auth     Auth    `json:"auth_service"`
	Proxy    Proxy   `json:"proxy_service"`
	SSH      Service `json:"ssh_service"`
}

// Global is the section `teleport`.
type Global struct {
	NodeName string `json:"nodename"`
	DataDir  string `json:"data_dir"`
	Log      Log    `json:"log"`
}

// Log says where and from which level Teleport logs.
type Log struct {
	Output   string `json:"output"`
	Severity string `json:"severity"`
}

// Service is what every service's section has.
type Service struct {
	Enabled string `json:"enabled"`
}

// Auth is the section `auth_service`.
type Auth struct {
	Service
	ClusterName       string         `json:"cluster_name"`
	ListenAddr        string         `json:"listen_addr"`
	ProxyListenerMode string         `json:"proxy_listener_mode"`
	Authentication    Authentication `json:"authentication"`
}

// Authentication is how people log in; the double knows no people.
type Authentication struct {
	Type          string   `json:"type"`
	SecondFactors []string `json:"second_factors"`
	WebAuthn      struct {
		RPID string `json:"rp_id"`
	} `json:"webauthn"`
}

// Proxy is the section `proxy_service`.
type Proxy struct {
	Service
	WebListenAddr string    `json:"web_listen_addr"`
	PublicAddr    string    `json:"public_addr"`
	KeyPairs      []KeyPair `json:"https_keypairs"`
}

// KeyPair names the files of a TLS certificate.
type KeyPair struct {
	Key         string `json:"key_file"`
	Certificate string `json:"cert_file"`
}

// Read reads a file. It must enable the Auth and the Proxy Service, which the
// double plays, and no other.
func Read(path string) (*FileConfig, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, trace.Wrap(trace.ConvertSystemError(err), "failed to open file for reading: %v", path)
	}
	var c FileConfig
	if err := yaml.UnmarshalStrict(text, &c); err != nil {
		return nil, trace.BadParameter("failed parsing the config file: %s", strings.ReplaceAll(err.Error(), "\n", ""))
	}
	switch {
	case c.Version != "v3":
		return nil, trace.BadParameter("version must be v3, not %q", c.Version)
	case !enabled(c.Auth.Enabled, true) || !enabled(c.Proxy.Enabled, true) || enabled(c.SSH.Enabled, true):
		return nil, trace.BadParameter("auth_service and proxy_service must be enabled, ssh_service must not: nothing else is played")
	case c.Teleport.DataDir == "" || c.Auth.ClusterName == "" || c.Proxy.WebListenAddr == "":
		return nil, trace.BadParameter("data_dir, cluster_name and web_listen_addr must be set")
	case len(c.Proxy.KeyPairs) != 1:
		return nil, trace.BadParameter("https_keypairs must have one pair, not %d", len(c.Proxy.KeyPairs))
	}
	return &c, nil
}

// enabled reads yes and no, which YAML 1.1 has as booleans and Teleport keeps as
// text.
func enabled(value string, byDefault bool) bool {
	if value == "" {
		return byDefault
	}
	return slices.Contains([]string{"yes", "on", "true"}, strings.ToLower(value))
}

// AdminSocket is where the double's Auth Service listens for tctl. (The real
// tctl takes the host's identity out of the data directory, and connects to the
// Auth Service's address.)
func (c *FileConfig) AdminSocket() string { return filepath.Join(c.Teleport.DataDir, "admin.sock") }

// WebCertificate is what the proxy shows to whoever comes without a Teleport
// identity. As with the real one, the proxy's own host must trust it (Teleport
// lib/config/configuration.go and PR 45344).
func (c *FileConfig) WebCertificate() (*tls.Certificate, error) {
	pair := c.Proxy.KeyPairs[0]
	certificate, err := tls.LoadX509KeyPair(pair.Certificate, pair.Key)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	intermediates := x509.NewCertPool()
	for _, der := range certificate.Certificate[1:] {
		intermediate, err := x509.ParseCertificate(der)
		if err != nil {
			return nil, trace.Wrap(err)
		}
		intermediates.AddCert(intermediate)
	}
	if _, err := certificate.Leaf.Verify(x509.VerifyOptions{Intermediates: intermediates}); err != nil {
		return nil, trace.BadParameter("unable to verify HTTPS certificate chain in %v:\n\n%s\n\n  %v", pair.Certificate, untrusted, err)
	}
	return &certificate, nil
}

const untrusted = `  The Proxy Service was unable to validate the certificate chain of the
  configured TLS certificate. The authority that issued this certificate is not
  trusted on this host. Using an untrusted certificate is likely to cause
  connection problems when clients and other Teleport services connect to this
  Proxy Service. To trust a custom certificate authority you may set the
  SSL_CERT_FILE or SSL_CERT_DIR environment variables to a path with your
  authority's certificate chain.`
