package resource

import (
	"slices"
	"strings"

	"github.com/gravitational/trace"
)

// Token is `kind: token, version: v2`. Of the join methods only kubernetes is
// played.
type Token struct {
	Kind     string    `json:"kind"`
	SubKind  string    `json:"sub_kind,omitempty"`
	Version  string    `json:"version"`
	Metadata Metadata  `json:"metadata"`
	Spec     TokenSpec `json:"spec"`
}

// TokenSpec says who may join as what.
type TokenSpec struct {
	Roles      []string         `json:"roles,omitempty"`
	BotName    string           `json:"bot_name,omitempty"`
	JoinMethod string           `json:"join_method,omitempty"`
	Kubernetes *TokenKubernetes `json:"kubernetes,omitempty"`
}

// TokenKubernetes holds the rules of join method kubernetes.
type TokenKubernetes struct {
	Type       string                 `json:"type,omitempty"`
	Allow      []TokenKubernetesAllow `json:"allow,omitempty"`
	StaticJWKS *StaticJWKS            `json:"static_jwks,omitempty"`
	OIDC       *OIDC                  `json:"oidc,omitempty"`
}

// TokenKubernetesAllow names one service account: literally, or since 18.8 by a
// pair of patterns.
type TokenKubernetesAllow struct {
	ServiceAccount          string `json:"service_account,omitempty"`
	ServiceAccountName      string `json:"service_account_name,omitempty"`
	ServiceAccountNamespace string `json:"service_account_namespace,omitempty"`
}

// StaticJWKS carries the text of a JWKS, which nobody parses before a join.
type StaticJWKS struct {
	JWKS string `json:"jwks,omitempty"`
}

// OIDC names the cluster's issuer.
type OIDC struct {
	Issuer                  string `json:"issuer,omitempty"`
	InsecureAllowHTTPIssuer bool   `json:"insecure_allow_http_issuer,omitempty"`
}

// The types of join method kubernetes.
const (
	KubernetesInCluster  = "in_cluster"
	KubernetesStaticJWKS = "static_jwks"
	KubernetesOIDC       = "oidc"
)

// JoinMethodKubernetes is the one join method that is played.
const JoinMethodKubernetes = "kubernetes"

// joinMethods is what Teleport's message for a bad kubernetes type lists: by
// mistake the join methods, not the types.
var joinMethods = []string{
	"token", "ec2", "iam", "github", "circleci", "kubernetes", "azure", "gitlab",
	"gcp", "spacelift", "tpm", "terraform_cloud", "bitbucket", "oracle",
}

// ResourceKind implements Resource.
func (t *Token) ResourceKind() Kind { return KindToken }

// ResourceName implements Resource.
func (t *Token) ResourceName() string { return t.Metadata.Name }

// AllowsBots reports whether the token's roles include Bot; case is ignored
// (Teleport normalizedSystemRoles).
func (t *Token) AllowsBots() bool {
	return slices.ContainsFunc(t.Spec.Roles, func(role string) bool { return strings.EqualFold(role, "bot") })
}

// Validate implements Resource (Teleport api/types/provisioning.go).
func (t *Token) Validate() error {
	if t.Version != "v2" {
		return trace.BadParameter("token version %q is not supported by the double", t.Version)
	}
	if t.Metadata.Name == "" {
		return trace.BadParameter("missing parameter Name")
	}
	if len(t.Spec.Roles) == 0 {
		return trace.BadParameter("provisioning token is missing roles")
	}
	if t.AllowsBots() && t.Spec.BotName == "" {
		return trace.BadParameter("token with role %q must set bot_name", "Bot")
	}
	if !t.AllowsBots() && t.Spec.BotName != "" {
		return trace.BadParameter("can only set bot_name on token with role %q", "Bot")
	}
	if t.Spec.JoinMethod == "" {
		t.Spec.JoinMethod = "token"
	}
	if t.Spec.JoinMethod != JoinMethodKubernetes {
		if slices.Contains(joinMethods, t.Spec.JoinMethod) {
			return trace.BadParameter("join method %q is not supported by the double", t.Spec.JoinMethod)
		}
		return trace.BadParameter("unknown join method %q", t.Spec.JoinMethod)
	}
	if t.Spec.Kubernetes == nil {
		return trace.BadParameter("%q configuration must be provided for the join method %q", "kubernetes", JoinMethodKubernetes)
	}
	return trace.Wrap(t.Spec.Kubernetes.validate(), "spec.kubernetes:")
}

func (k *TokenKubernetes) validate() error {
	if len(k.Allow) == 0 {
		return trace.BadParameter("allow: at least one rule must be set")
	}
	for i, rule := range k.Allow {
		if err := rule.validate(i); err != nil {
			return err
		}
	}
	if k.Type == "" {
		k.Type = KubernetesInCluster
	}
	switch k.Type {
	case KubernetesInCluster:
		if k.StaticJWKS != nil {
			return trace.BadParameter("static_jwks: must not be set when type is %q", KubernetesInCluster)
		}
	case KubernetesStaticJWKS:
		if k.StaticJWKS == nil {
			return trace.BadParameter("static_jwks: must be set when type is %q", KubernetesStaticJWKS)
		}
		if k.StaticJWKS.JWKS == "" {
			return trace.BadParameter("static_jwks.jwks: must be set when type is %q", KubernetesStaticJWKS)
		}
	case KubernetesOIDC:
		if k.OIDC == nil || k.OIDC.Issuer == "" {
			return trace.BadParameter("oidc.issuer: must be set when type is %q", KubernetesOIDC)
		}
	default:
		return trace.BadParameter("type: must be one of (%s), got %q", strings.Join(joinMethods, ", "), k.Type)
	}
	return nil
}

func (r TokenKubernetesAllow) validate(i int) error {
	hasName, hasNamespace := r.ServiceAccountName != "", r.ServiceAccountNamespace != ""
	if hasName != hasNamespace {
		return trace.BadParameter("allow[%d]: service_account_name and service_account_namespace must both be set", i)
	}
	if r.ServiceAccount == "" {
		if hasName {
			return nil
		}
		return trace.BadParameter("allow[%d].service_account: name of service account must be set", i)
	}
	namespace, name, found := strings.Cut(r.ServiceAccount, ":")
	if !found || namespace == "" || name == "" || strings.Contains(name, ":") {
		return trace.BadParameter(
			`allow[%d].service_account: name of service account should be in format "namespace:service_account", got %q instead`,
			i, r.ServiceAccount)
	}
	return nil
}
