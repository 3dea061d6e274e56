import { groupBy } from "../../base/group-by.ts";
import { kubectlCommand } from "../../programs/cluster-commands.ts";
import { isPod, kubectlList } from "../../programs/kubernetes-objects.ts";
import type { Todo } from "../install/plan.ts";
import type { Scene } from "./plan.ts";

interface Pod {
  metadata: { namespace: string; labels?: Record<string, string> };
  spec: { volumes?: { csi?: { driver: string } }[] };
}

/** What stands between the chart's CSI driver and its removal. */
export interface CsiPods {
  /** Namespaces of others with pods that mount its volumes. */
  others: string[];
  /** Commands that end our own demos' pods first. */
  commands: Todo[];
}

/**
 * The pods that mount volumes of the chart's CSI driver: the kubelet unmounts a volume through its driver, so that a pod
 * that outlives the driver never ends.
 *
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function csiPods({ access, values, timeoutSeconds }: Scene): Promise<CsiPods> {
  const args = ["get", "pods", "--all-namespaces"];
  const pods = await kubectlList(access, "look for pods with volumes of the CSI driver", args, isPod<Pod>);
  const mounting = pods.filter(({ spec }) =>
    spec.volumes?.some(({ csi }) => csi?.driver === values.tbot.csi.driverName),
  );
  const isOurs = ({ metadata }: Pod) => metadata.labels?.["app.kubernetes.io/part-of"] === "istio-teleport";
  const namespaces = (of: readonly Pod[]) => [...groupBy(of, ({ metadata }) => metadata.namespace).keys()].sort();
  const selector = "--selector=app.kubernetes.io/part-of=istio-teleport";
  return {
    others: namespaces(mounting.filter((pod) => !isOurs(pod))),
    commands: namespaces(mounting.filter(isOurs)).flatMap((namespace): Todo[] => [
      {
        purpose: `end the demo in ${namespace}`,
        command: kubectlCommand(access, ["delete", "deployments", `--namespace=${namespace}`, selector]),
      },
      {
        purpose: `wait until its pods have ended`,
        command: kubectlCommand(access, [
          ...["wait", "--for=delete", "pods", `--namespace=${namespace}`, selector, `--timeout=${timeoutSeconds}s`],
        ]),
      },
    ]),
  };
}
