import { EXIT, ExitError } from "../base/exit-error.ts";
import { type ClusterAccess, kubectl } from "../programs/kubectl.ts";
import { isPod, kubectlList, kubectlToken } from "../programs/kubernetes-objects.ts";
import type { DemoCluster } from "./demo-cluster.ts";

/** The part of a Pod object that is read. */
interface Pod {
  metadata: { name: string; namespace: string };
  spec: { serviceAccountName?: string };
}

/**
 * A running cluster, reached through the user's kubectl. It is only read; the API server signs tokens for any running
 * pod, which proves its keys without tbot being installed. For tbot's own pod: `gen-token --verify`.
 *
 * @throws ExitError unavailable when the cluster does not answer, refuses, or runs no pod
 */
export async function liveCluster(access: ClusterAccess): Promise<DemoCluster> {
  const jwks = await kubectl(access, "read the cluster's keys", ["get", "--raw", "/openid/v1/jwks"]);
  const { name, namespace, serviceAccount } = await anyPod(access);
  return {
    description:
      access.context === undefined
        ? `the cluster of the kubeconfig ${access.kubeconfig}`
        : `the cluster of the context ${access.context}`,
    jwks: jwks.toString(),
    pod: `${namespace}/${name}`,
    isTbot: false,
    podToken: ({ audience, lifeSeconds }) =>
      kubectlToken(access, `get a token for the pod ${namespace}/${name}`, [
        ...[serviceAccount, `--namespace=${namespace}`, `--audience=${audience}`],
        ...["--bound-object-kind=Pod", `--bound-object-name=${name}`, `--duration=${lifeSeconds}s`],
      ]),
  };
}

async function anyPod(access: ClusterAccess): Promise<{ name: string; namespace: string; serviceAccount: string }> {
  const args = ["get", "pods", "--all-namespaces", "--field-selector=status.phase=Running"];
  const pods = await kubectlList(access, "find a running pod", args, isPod<Pod>);
  // A static pod has no ServiceAccount.
  const pod = pods.find(({ spec }) => spec.serviceAccountName !== undefined);
  if (pod?.spec.serviceAccountName === undefined) {
    throw new ExitError(
      "No pod runs in this cluster, so its API server can sign no token that is bound to one: start any pod, or leave out --context.",
      EXIT.unavailable,
    );
  }
  return { ...pod.metadata, serviceAccount: pod.spec.serviceAccountName };
}
