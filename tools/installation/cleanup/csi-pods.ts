import { groupBy } from "../../base/group-by.ts";
import { kubectlCommand } from "../../programs/cluster-commands.ts";
import { kubectlList } from "../../programs/kubernetes-objects.ts";
import { type MountingPod, podsMounting } from "../csi-volumes.ts";
import type { Todo } from "../install/plan.ts";
import { belongsTo, type KubernetesObject } from "./ownership.ts";
import type { Scene } from "./plan.ts";

/** What stands between the chart's CSI driver and its removal. */
export interface CsiPods {
  /** Namespaces of others with pods that mount its volumes. */
  others: string[];
  /** Commands that end our own demos' pods first. */
  commands: Todo[];
}

/**
 * The pods that mount volumes of the release's CSI driver. Whose driver it is and whose pods they are, Helm's annotations say: SPIRE's
 * driver has the same name by default, and a label is anybody's to put on a pod.
 *
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function csiPods({ access, removed, timeoutSeconds }: Scene): Promise<CsiPods> {
  const ours = (object: KubernetesObject) => belongsTo(object, removed);
  const drivers = (await kubectlList<KubernetesObject>(access, "look for the CSI driver", ["get", "csidrivers"]))
    .filter(ours)
    .map(({ metadata }) => metadata.name);
  const mounting = await podsMounting(access, drivers);
  if (mounting.length === 0) return { others: [], commands: [] };
  const all = await kubectlList<KubernetesObject>(access, "look for the demos", [
    "get",
    "deployments",
    "--all-namespaces",
  ]);
  const demos = new Set(all.filter(ours).map(({ metadata }) => `${metadata.namespace}/${metadata.name}`));
  const byDemo = groupBy(mounting, (pod) => demos.has(`${pod.metadata.namespace}/${deploymentOf(pod)}`));
  const inNamespaces = groupBy(byDemo.get(true) ?? [], ({ metadata }) => metadata.namespace);
  return {
    others: [...new Set((byDemo.get(false) ?? []).map(({ metadata }) => metadata.namespace))].sort(),
    commands: [...inNamespaces].map(([namespace, pods]): Todo => {
      const names = [...new Set(pods.map((pod) => deploymentOf(pod) ?? ""))].sort();
      // In the foreground: the command waits for the pods.
      const flags = [`--namespace=${namespace}`, "--cascade=foreground", `--timeout=${timeoutSeconds}s`];
      const command = kubectlCommand(access, ["delete", "deployments", ...names, ...flags]);
      return { purpose: `end the demo in ${namespace}`, command };
    }),
  };
}

/** Name of the Deployment that made a pod: its ReplicaSet's without the hash; absent for another pod. */
function deploymentOf({ metadata }: MountingPod): string | undefined {
  const owner = metadata.ownerReferences?.find(({ kind }) => kind === "ReplicaSet")?.name;
  return owner && /^(.+)-[a-z0-9]+$/.exec(owner)?.[1];
}
