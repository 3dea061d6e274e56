// Package joining checks a bot's join with join method kubernetes.
//
// The check of the service account token itself is Teleport's own: package
// lib/kubernetestoken of github.com/gravitational/teleport, as published on the
// Go module proxy. What is written here is the frame around it (Teleport
// lib/kube/token/join.go).
package joining

import (
	"context"
	"encoding/json"
	"path"
	"strings"
	"time"

	"github.com/gravitational/teleport/lib/kubernetestoken"
	"github.com/gravitational/trace"

	"istio-teleport/lab/go/teleport-double/internal/attribute"
	"istio-teleport/lab/go/teleport-double/internal/resource"
)

// Kubernetes checks the service account token against the join token and
// returns the attributes that the credential will carry. The errors are
// Teleport's, words included.
func Kubernetes(ctx context.Context, now time.Time, clusterName string, token *resource.Token, idToken string) (*attribute.JoinKubernetes, error) {
	spec := token.Spec.Kubernetes
	result, err := validate(ctx, now, clusterName, spec, idToken)
	if err != nil {
		return nil, err
	}
	if !allowed(spec.Allow, result.Username) {
		return nil, trace.AccessDenied("kubernetes token did not match any allow rules")
	}
	return joinAttributes(result)
}

func validate(ctx context.Context, now time.Time, clusterName string, spec *resource.TokenKubernetes, idToken string) (*kubernetestoken.ValidationResult, error) {
	switch spec.Type {
	case resource.KubernetesStaticJWKS:
		result, err := kubernetestoken.ValidateTokenWithJWKS(now, []byte(spec.StaticJWKS.JWKS), clusterName, idToken)
		return result, trace.Wrap(err, "reviewing kubernetes token with static_jwks")
	case resource.KubernetesInCluster:
		// Works only where the auth server itself runs as a pod, as in Teleport.
		result, err := new(kubernetestoken.TokenReviewValidator).Validate(ctx, idToken)
		return result, trace.Wrap(err, "reviewing kubernetes token with in_cluster")
	case resource.KubernetesOIDC:
		return nil, trace.NotImplemented("reviewing kubernetes token with oidc: not supported by the double")
	default:
		return nil, trace.BadParameter("unsupported kubernetes join method type (%s)", spec.Type)
	}
}

// allowed reports whether one rule matches the user name
// "system:serviceaccount:<namespace>:<name>". Inside a rule everything given
// must match. service_account is literal; service_account_name and
// service_account_namespace are patterns with * and ? (Teleport PR 66520, 18.8).
func allowed(rules []resource.TokenKubernetesAllow, username string) bool {
	account, ok := strings.CutPrefix(username, kubernetestoken.ServiceAccountNamePrefix+":")
	if !ok {
		return false
	}
	namespace, name, _ := strings.Cut(account, ":")
	for _, rule := range rules {
		if rule.ServiceAccount != "" && rule.ServiceAccount != account {
			continue
		}
		if rule.ServiceAccountName != "" &&
			!(globMatches(rule.ServiceAccountName, name) && globMatches(rule.ServiceAccountNamespace, namespace)) {
			continue
		}
		return true
	}
	return false
}

// globMatches leans on path.Match: names of service accounts and namespaces hold
// no slash, and [ and \ can't occur in them.
func globMatches(pattern, name string) bool {
	matched, err := path.Match(pattern, name)
	return err == nil && matched
}

func joinAttributes(result *kubernetestoken.ValidationResult) (*attribute.JoinKubernetes, error) {
	raw, err := json.Marshal(result.Raw)
	if err != nil {
		return nil, trace.Wrap(err)
	}
	var claims struct {
		Kubernetes struct {
			Namespace      string `json:"namespace"`
			ServiceAccount struct {
				Name string `json:"name"`
			} `json:"serviceaccount"`
			Pod struct {
				Name string `json:"name"`
			} `json:"pod"`
		} `json:"kubernetes.io"`
	}
	if err := json.Unmarshal(raw, &claims); err != nil {
		return nil, trace.Wrap(err)
	}
	k := claims.Kubernetes
	return &attribute.JoinKubernetes{
		Subject:        result.Username,
		ServiceAccount: &attribute.JoinServiceAccount{Name: k.ServiceAccount.Name, Namespace: k.Namespace},
		Pod:            &attribute.JoinPod{Name: k.Pod.Name},
	}, nil
}
