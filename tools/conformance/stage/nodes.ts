import { EXIT, ExitError } from "../../base/exit-error.ts";
import type { KubeApi } from "../../programs/kube-api/kube-api.ts";
import type { NodeChoice } from "./stage.ts";

/** What is read of a node. */
interface SchedulableNode {
  metadata: { name: string; labels?: Record<string, string> };
  spec?: { unschedulable?: boolean; taints?: { effect: string }[] };
}

/**
 * Chooses nodes among those on which an ordinary pod is scheduled: cordoned ones and those with a taint that keeps pods away
 * take none, and Istio has no sidecar for Windows.
 *
 * @param wanted how many at most, by name
 * @throws ExitError (unavailable) when nodes cannot be listed
 */
export async function chooseNodes(api: KubeApi, wanted: number): Promise<NodeChoice> {
  const nodes = await api.list<SchedulableNode>("/api/v1/nodes");
  if (!nodes.ok) throw new ExitError(`Could not list the nodes: ${nodes.reason}.`, EXIT.unavailable);
  const names = nodes.value.filter(takesPods).map(({ metadata }) => metadata.name);
  return { names: names.toSorted().slice(0, wanted), total: names.length };
}

function takesPods({ metadata, spec }: SchedulableNode): boolean {
  return (
    spec?.unschedulable !== true &&
    spec?.taints?.every(({ effect }) => effect === "PreferNoSchedule") !== false &&
    metadata.labels?.["kubernetes.io/os"] !== "windows"
  );
}
