import { isRecord, recordAt, textAt } from "../base/json-value.ts";
import { type ClusterAccess, kubectl } from "../programs/kubectl.ts";

/**
 * The namespaces of all pods that have Istio's proxy, one entry a pod: sidecars by the label of Istio's injection
 * template, gateways and waypoints, which have no such label, by the container.
 *
 * @param selector of labels; empty: all pods
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function podsWithProxy(access: ClusterAccess, selector: string): Promise<string[]> {
  const printed = await kubectl(access, "look for meshed pods", [
    ...["get", "pods", "--all-namespaces", "--output=json"],
    ...(selector === "" ? [] : [`--selector=${selector}`]),
  ]);
  const { items } = JSON.parse(printed.toString()) as { items: unknown[] };
  return items
    .filter(isRecord)
    .filter(hasProxy)
    .map((pod) => textAt(recordAt(pod, "metadata"), "namespace"));
}

function hasProxy(pod: Record<string, unknown>): boolean {
  const labels = recordAt(recordAt(pod, "metadata"), "labels");
  const spec = recordAt(pod, "spec");
  const containers = [spec.containers, spec.initContainers].flat().filter(isRecord);
  return labels["security.istio.io/tlsMode"] === "istio" || containers.some(({ name }) => name === "istio-proxy");
}
