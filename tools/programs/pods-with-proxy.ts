import { proxiesOf } from "../base/injection.ts";
import type { ClusterAccess } from "./kubectl.ts";
import { isPod, kubectlList } from "./kubernetes-objects.ts";

interface Pod {
  metadata: { namespace: string };
  spec: { containers: { name: string }[]; initContainers?: { name: string }[] };
}

/**
 * The namespaces of all pods that have Istio's proxy, one entry per pod.
 *
 * @param selector of labels; empty: all pods
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function podsWithProxy(access: ClusterAccess, selector: string): Promise<string[]> {
  const args = ["get", "pods", "--all-namespaces", ...(selector === "" ? [] : [`--selector=${selector}`])];
  const pods = await kubectlList(access, "look for meshed pods", args, isPod<Pod>);
  return pods.filter(({ spec }) => proxiesOf(spec).length > 0).map(({ metadata }) => metadata.namespace);
}
