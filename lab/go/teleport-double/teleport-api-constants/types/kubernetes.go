// Package types declares the only names that Teleport's published join
// validator (package lib/kubernetestoken) takes from Teleport's api module.
// The api module itself is not needed to build that validator, and its
// dependencies are many: go.mod replaces it with this one.
package types

// KubernetesJoinType says how the auth server checks a Kubernetes service
// account token (Teleport api/types/provisioning.go).
type KubernetesJoinType string

// The join types known to the published validator.
const (
	KubernetesJoinTypeUnspecified KubernetesJoinType = ""
	KubernetesJoinTypeInCluster   KubernetesJoinType = "in_cluster"
	KubernetesJoinTypeStaticJWKS  KubernetesJoinType = "static_jwks"
)
