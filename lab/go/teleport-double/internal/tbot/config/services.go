package config

import (
	"fmt"
	"regexp"
	"slices"

	"github.com/gravitational/trace"
	"gopkg.in/yaml.v3"
)

// WorkloadAPIType is the one type of service that is played.
const WorkloadAPIType = "workload-identity-api"

// Services is the list under `services:`.
type Services []*WorkloadAPI

// otherServiceTypes are those of tbot that the double refuses.
var otherServiceTypes = []string{
	"application", "application-proxy", "application-tunnel", "database", "database-tunnel", "identity",
	"kubernetes", "kubernetes/v2", "kubernetes/argo-cd", "spiffe-svid", "spiffe-workload-api", "ssh_host",
	"ssh-multiplexer", "unstable_client_credential", "workload-identity-aws-roles-anywhere",
	"workload-identity-jwt", "workload-identity-x509", "noop",
}

// UnmarshalYAML reads each service by its type.
func (s *Services) UnmarshalYAML(node *yaml.Node) error {
	for _, item := range node.Content {
		var header struct {
			Type string `yaml:"type"`
		}
		if err := item.Decode(&header); err != nil {
			return err
		}
		switch {
		case header.Type == WorkloadAPIType:
		case slices.Contains(otherServiceTypes, header.Type):
			return trace.BadParameter("service type (%s) is not supported by the double", header.Type)
		default:
			return trace.BadParameter("unrecognized service type (%s)", header.Type)
		}
		service := &WorkloadAPI{}
		if err := item.Decode(service); err != nil {
			return err
		}
		*s = append(*s, service)
	}
	return nil
}

func (s Services) checkAndSetDefaults(oneshot bool) error {
	names := namer{used: map[string]bool{}, counts: map[string]int{}}
	for i, service := range s {
		if err := service.validate(oneshot); err != nil {
			return trace.Wrap(err, "validating service[%d]", i)
		}
		name, err := names.pick(WorkloadAPIType, service.Name)
		if err != nil {
			return trace.Wrap(err, "validating service[%d]", i)
		}
		service.Name = name
	}
	return nil
}

// WorkloadAPI is a service of type workload-identity-api (Teleport
// lib/tbot/services/workloadidentity/workload_api_config.go).
type WorkloadAPI struct {
	// Name is how /readyz calls the service; generated when empty.
	Name string `yaml:"name"`
	// Listen is a URL: unix:///path or tcp://host:port.
	Listen       string    `yaml:"listen"`
	Attestors    Attestors `yaml:"attestors"`
	Selector     Selector  `yaml:"selector"`
	TrustDomains []string  `yaml:"trust_domains"`
	Lifetime     Lifetime  `yaml:",inline"`
}

// Attestors switches attestation on. The Unix attestor always runs.
type Attestors struct {
	Kubernetes Kubernetes `yaml:"kubernetes"`
	Unix       Unix       `yaml:"unix"`
	Podman     Enabled    `yaml:"podman"`
	Docker     Enabled    `yaml:"docker"`
	Systemd    Enabled    `yaml:"systemd"`
	Sigstore   Enabled    `yaml:"sigstore"`
}

// Enabled is the switch of an attestor that is not played.
type Enabled struct {
	Enabled bool `yaml:"enabled"`
}

// Unix configures the Unix attestor.
type Unix struct {
	// BinaryHashMaxSizeBytes is the largest executable that is hashed: 0 for 1
	// GiB, -1 for no limit.
	BinaryHashMaxSizeBytes int64 `yaml:"binary_hash_max_size_bytes"`
}

// Kubernetes configures the Kubernetes attestor.
type Kubernetes struct {
	Enabled bool    `yaml:"enabled"`
	Kubelet Kubelet `yaml:"kubelet"`
}

// Kubelet says how the kubelet's API is reached (Teleport
// lib/tbot/workloadidentity/workloadattest/kubernetes.go).
type Kubelet struct {
	// ReadOnlyPort is plain HTTP without a token.
	ReadOnlyPort int `yaml:"read_only_port"`
	// SecurePort is 10250 when 0.
	SecurePort int `yaml:"secure_port"`
	// TokenPath and CAPath default to the pod's own service account files.
	TokenPath  string `yaml:"token_path"`
	CAPath     string `yaml:"ca_path"`
	SkipVerify bool   `yaml:"skip_verify"`
	Anonymous  bool   `yaml:"anonymous"`
}

// Selector picks workload identities by exactly one of its fields.
type Selector struct {
	Name   string              `yaml:"name"`
	Labels map[string][]string `yaml:"labels"`
}

func (w *WorkloadAPI) validate(oneshot bool) error {
	if w.Listen == "" {
		return trace.BadParameter("listen: should not be empty")
	}
	a := w.Attestors
	if a.Kubernetes.Kubelet.ReadOnlyPort != 0 && a.Kubernetes.Kubelet.SecurePort != 0 {
		return trace.BadParameter("validating attestor: validating kubernetes: readOnlyPort and securePort are mutually exclusive")
	}
	if a.Podman.Enabled || a.Docker.Enabled || a.Systemd.Enabled || a.Sigstore.Enabled {
		return trace.BadParameter("validating attestor: only kubernetes and unix are supported by the double")
	}
	if err := w.Selector.validate(); err != nil {
		return trace.Wrap(err, "validating selector")
	}
	for _, domain := range w.TrustDomains {
		if domain != "app_client" {
			return trace.BadParameter("validating trust_domains: unsupported trust domain %q", domain)
		}
	}
	return w.Lifetime.validate(oneshot)
}

func (s Selector) validate() error {
	switch {
	case s.Name == "" && len(s.Labels) == 0:
		return trace.BadParameter("one of ['name', 'labels'] must be set")
	case s.Name != "" && len(s.Labels) > 0:
		return trace.BadParameter("at most one of ['name', 'labels'] can be set")
	}
	for key, values := range s.Labels {
		if len(values) == 0 {
			return trace.BadParameter("labels[%s]: must have at least one value", key)
		}
	}
	return nil
}

// reservedNames are services of tbot's own.
var reservedNames = []string{"ca-rotation", "crl-cache", "heartbeat", "identity", "spiffe-trust-bundle-cache"}

// invalidNameCharacter is anything but lower-case letters, digits, _, - and +.
var invalidNameCharacter = regexp.MustCompile(`[^a-z\d_\-+]`)

// namer gives services their names (Teleport lib/tbot/config/naming.go).
type namer struct {
	used   map[string]bool
	counts map[string]int
}

func (n namer) pick(serviceType, name string) (string, error) {
	n.counts[serviceType]++
	generated := name == ""
	if generated {
		name = fmt.Sprintf("%s-%d", invalidNameCharacter.ReplaceAllString(serviceType, "-"), n.counts[serviceType])
	}
	switch {
	case n.used[name] && generated:
		return "", trace.BadParameter("service name %q conflicts with an automatically generated service name", name)
	case n.used[name]:
		return "", trace.BadParameter("service name %q used more than once", name)
	case slices.Contains(reservedNames, name):
		return "", trace.BadParameter("service name %q is reserved for internal use", name)
	case invalidNameCharacter.MatchString(name):
		return "", trace.BadParameter("invalid service name: %q, may only contain lowercase letters, numbers, hyphens, underscores, or plus symbols", name)
	}
	n.used[name] = true
	return name, nil
}
