import type { Release } from "../../programs/helm-releases.ts";

/** The head of any object of the cluster. */
export interface KubernetesObject {
  kind: string;
  type?: string;
  metadata: {
    name: string;
    namespace?: string;
    labels?: Record<string, string>;
    annotations?: Record<string, string>;
    ownerReferences?: { kind: string }[];
  };
}

/**
 * ConfigMaps with the label istio.io/config that istiod keeps in every namespace: root certificate and revocation list
 * (Istio pilot/pkg/serviceregistry/kube/controller/namespacecontroller.go).
 */
export const COPIED_BY_ISTIOD: readonly string[] = ["istio-ca-root-cert", "istio-ca-crl"];

/** Whether Helm made the object with one of these releases, or keeps the release in it. */
export function belongsTo({ type, metadata }: KubernetesObject, releases: readonly Release[]): boolean {
  const { annotations, labels } = metadata;
  const isRecord = type === "helm.sh/release.v1";
  const name = isRecord ? labels?.name : annotations?.["meta.helm.sh/release-name"];
  const namespace = isRecord ? metadata.namespace : annotations?.["meta.helm.sh/release-namespace"];
  return releases.some((release) => release.name === name && release.namespace === namespace);
}
