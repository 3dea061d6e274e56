import { proxiesOf } from "../base/injection.ts";
import { type ClusterAccess, kubectl } from "./kubectl.ts";

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
  const printed = await kubectl(access, "look for meshed pods", [
    ...["get", "pods", "--all-namespaces", "--output=json"],
    ...(selector === "" ? [] : [`--selector=${selector}`]),
  ]);
  const { items } = JSON.parse(printed.toString()) as { items: Pod[] };
  return items.filter(({ spec }) => proxiesOf(spec).length > 0).map(({ metadata }) => metadata.namespace);
}
