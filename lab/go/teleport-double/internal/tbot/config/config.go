// Package config reads tbot.yaml version v2 the way tbot does: LAX. Keys that
// tbot does not know are ignored without a word, because BotConfig and its
// services have their own UnmarshalYAML, which loses yaml.v3's KnownFields
// (Teleport lib/tbot/config/config.go). A misspelt `attestor:` turns the
// Kubernetes attestation off, and nothing says so.
package config

import (
	"cmp"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/gravitational/trace"
	"gopkg.in/yaml.v3"
)

// The life of credentials where tbot.yaml does not set it.
const (
	DefaultCredentialTTL   = 60 * time.Minute
	DefaultRenewalInterval = 20 * time.Minute
)

// maximumRenewableTTL is the root credential_ttl above which tbot warns
// (Teleport defaults.MaxRenewableCertTTL).
const maximumRenewableTTL = 24 * time.Hour

// Config is tbot.yaml.
type Config struct {
	Version     string     `yaml:"version"`
	Onboarding  Onboarding `yaml:"onboarding"`
	Storage     *Storage   `yaml:"storage"`
	Outputs     yaml.Node  `yaml:"outputs"`
	Services    Services   `yaml:"services"`
	Debug       bool       `yaml:"debug"`
	AuthServer  string     `yaml:"auth_server"`
	ProxyServer string     `yaml:"proxy_server"`
	Lifetime    Lifetime   `yaml:",inline"`
	// CertificateTTL is the deprecated name of credential_ttl.
	CertificateTTL time.Duration `yaml:"certificate_ttl"`
	Oneshot        bool          `yaml:"oneshot"`
	// DiagAddr is where the diagnostics are served; empty for nowhere.
	DiagAddr string `yaml:"diag_addr"`
	Insecure bool   `yaml:"insecure"`
}

// Onboarding says how the bot joins. There is no kubernetes.token_path here: a
// tbot of early 18.x ignores that key like any unknown one.
type Onboarding struct {
	TokenValue string   `yaml:"token"`
	CAPath     string   `yaml:"ca_path"`
	CAPins     []string `yaml:"ca_pins"`
	JoinMethod string   `yaml:"join_method"`
}

// Token is the name of the join token. A value that is an absolute path names a
// file that holds it.
func (o Onboarding) Token() (string, error) {
	if !filepath.IsAbs(o.TokenValue) {
		return o.TokenValue, nil
	}
	text, err := os.ReadFile(o.TokenValue)
	if err != nil {
		return "", trace.ConvertSystemError(err)
	}
	return strings.TrimSpace(string(text)), nil
}

// Storage is where the bot keeps its own credential; only memory is played.
type Storage struct {
	Type string `yaml:"type"`
}

// Lifetime is how long credentials live and how often they are renewed.
type Lifetime struct {
	TTL             time.Duration `yaml:"credential_ttl"`
	RenewalInterval time.Duration `yaml:"renewal_interval"`
}

// Or returns l, or fallback when nothing is set in l.
func (l Lifetime) Or(fallback Lifetime) Lifetime {
	return cmp.Or(l, fallback)
}

// validate holds the rules for a service's own pair (Teleport
// lib/tbot/bot/lifetime.go). The 24 h limit of other services does not apply to
// workload identities.
func (l Lifetime) validate(oneshot bool) error {
	switch {
	case l == Lifetime{}:
		return nil
	case l.TTL == 0 || l.RenewalInterval == 0:
		return trace.BadParameter("credential_ttl and renewal_interval must both be specified if either is")
	case l.TTL < 0:
		return trace.BadParameter("credential_ttl must be positive")
	case l.RenewalInterval < 0:
		return trace.BadParameter("renewal_interval must be positive")
	case l.TTL < l.RenewalInterval && !oneshot:
		return trace.BadParameter("Credential TTL is shorter than the renewal interval. This is likely an invalid configuration. Increase the credential TTL or decrease the renewal interval")
	}
	return nil
}

// Read parses and checks a configuration file.
func Read(path string, log *slog.Logger) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, trace.Wrap(err, "failed to open file: %s", path)
	}
	return Parse(text, log)
}

// Parse parses and checks the text of a configuration file.
func Parse(text []byte, log *slog.Logger) (*Config, error) {
	var config Config
	if err := yaml.Unmarshal(text, &config); err != nil {
		return nil, trace.BadParameter("failed parsing config file: %s", strings.ReplaceAll(err.Error(), "\n", ""))
	}
	switch config.Version {
	case "v2":
	case "", "v1":
		return nil, trace.BadParameter("config version v1 (also when there is no version) is not supported by the double")
	default:
		return nil, trace.BadParameter("unrecognized config version %q", config.Version)
	}
	if err := config.checkAndSetDefaults(log); err != nil {
		return nil, err
	}
	return &config, nil
}

// joinMethods are the ones that tbot knows.
var joinMethods = []string{
	"azure", "azure_devops", "bitbucket", "circleci", "gcp", "github", "gitlab", "iam", "kubernetes",
	"spacelift", "token", "tpm", "terraform_cloud", "bound_keypair",
}

func (c *Config) checkAndSetDefaults(log *slog.Logger) error {
	if c.Storage == nil || c.Storage.Type != "memory" {
		return trace.BadParameter("storage: only type memory is supported by the double")
	}
	if len(c.Outputs.Content) > 0 {
		return trace.BadParameter("outputs: not supported by the double")
	}
	if c.Oneshot {
		return trace.BadParameter("oneshot: not supported by the double")
	}
	if err := c.Services.checkAndSetDefaults(c.Oneshot); err != nil {
		return err
	}
	c.setLifetime(log)
	return c.checkConnection()
}

// setLifetime fills in the two values one by one, so that giving only one is
// fine at the root. Bad pairs are only warned about here.
func (c *Config) setLifetime(log *slog.Logger) {
	if c.CertificateTTL != 0 {
		log.Warn("certificate_ttl is deprecated, use credential_ttl")
		c.Lifetime.TTL = cmp.Or(c.Lifetime.TTL, c.CertificateTTL)
	}
	c.Lifetime.TTL = cmp.Or(c.Lifetime.TTL, DefaultCredentialTTL)
	c.Lifetime.RenewalInterval = cmp.Or(c.Lifetime.RenewalInterval, DefaultRenewalInterval)
	if c.Lifetime.TTL < c.Lifetime.RenewalInterval {
		log.Warn("Credential TTL is shorter than the renewal interval. This is likely an invalid configuration. Increase the credential TTL or decrease the renewal interval",
			"ttl", c.Lifetime.TTL, "interval", c.Lifetime.RenewalInterval)
	}
	if c.Lifetime.TTL > maximumRenewableTTL {
		log.Warn("Requested certificate TTL exceeds the maximum TTL allowed and will likely be reduced by the Teleport server",
			"requested_ttl", c.Lifetime.TTL, "maximum_ttl", maximumRenewableTTL)
	}
}

func (c *Config) checkConnection() error {
	switch o := c.Onboarding; {
	case o.JoinMethod != "" && !slices.Contains(joinMethods, o.JoinMethod):
		return trace.BadParameter("unrecognized join method: %q", o.JoinMethod)
	case o.JoinMethod != "kubernetes":
		return trace.BadParameter("join method %q is not supported by the double", o.JoinMethod)
	case c.Insecure && len(o.CAPins) > 0:
		return trace.BadParameter("the option ca-pin is mutually exclusive with --insecure")
	case c.Insecure && o.CAPath != "":
		return trace.BadParameter("the option ca-path is mutually exclusive with --insecure")
	case len(o.CAPins) > 0 && o.CAPath != "":
		return trace.BadParameter("the options ca-pin and ca-path are mutually exclusive")
	case len(o.CAPins) > 0 || o.CAPath != "":
		return trace.BadParameter("onboarding.ca_pins and onboarding.ca_path are not supported by the double")
	}
	_, err := c.Address()
	return err
}

// Address is the HOST:PORT of the auth server or its proxy; exactly one of the
// two keys may be set (18.x).
func (c *Config) Address() (string, error) {
	if (c.AuthServer == "") == (c.ProxyServer == "") {
		return "", trace.BadParameter("either a proxy or auth address must be set using --proxy-server, --auth-server or configuration")
	}
	address := cmp.Or(c.ProxyServer, c.AuthServer)
	if parsed, err := url.Parse("//" + address); err != nil || parsed.Host != address || parsed.Port() == "" {
		return "", trace.BadParameter("failed to parse addr %q: it must be HOST:PORT", address)
	}
	return address, nil
}
