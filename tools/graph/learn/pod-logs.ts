import { ExitError } from "../../base/exit-error.ts";
import { PROXY_CONTAINER, proxiesOf } from "../../base/injection.ts";
import { jsonFrom } from "../../programs/json-from.ts";
import { type ClusterAccess, kubectl } from "../../programs/kubectl.ts";
import { isPod, kubernetesList } from "../../programs/kubernetes-objects.ts";
import { isUnavailable } from "../../programs/run.ts";
import type { Workload } from "./calls.ts";

/** A pod with a sidecar or a gateway's proxy. */
export interface MeshedPod extends Workload {
  name: string;
  labels: Record<string, string>;
}

/** How many pods' logs are asked for at once. */
const CONCURRENCY = 4;

/**
 * The pods of the namespaces that have Istio's proxy, be it a container or a native sidecar.
 *
 * @throws ExitError (unavailable) when kubectl fails or prints something else; (refused) when a namespace has no such pod
 */
export async function meshedPods(access: ClusterAccess, namespaces: readonly string[]): Promise<MeshedPod[]> {
  const pods: MeshedPod[] = [];
  for (const namespace of namespaces) {
    const args = ["get", "pods", "--namespace", namespace, "--output=json"];
    const purpose = `list the pods of the namespace ${namespace}`;
    const printed = await kubectl(access, purpose, args, { instead: "give a saved log with --log" });
    const { items } = jsonFrom(printed, "kubectl", purpose, kubernetesList(isPod<Pod>));
    const meshed = items.filter(({ spec }) => proxiesOf(spec).length > 0);
    if (meshed.length === 0) {
      throw new ExitError(
        `No pod of the namespace ${namespace} has a container ${PROXY_CONTAINER}: name a meshed namespace, or read a saved log with --log.`,
      );
    }
    for (const { metadata, spec } of meshed) {
      const { name, labels = {} } = metadata;
      pods.push({ namespace, name, labels, serviceAccount: spec.serviceAccountName });
    }
  }
  return pods;
}

interface Pod {
  metadata: { name: string; labels?: Record<string, string> };
  spec: { serviceAccountName: string; containers: { name: string }[]; initContainers?: { name: string }[] };
}

/**
 * Reads the log of each pod's proxy. A pod that has none yet, or no longer, is passed over; `onMissing` gets the reason.
 *
 * @param since `--since=1h` or `--since-time=2026-01-02T15:04:05Z`, as kubectl takes them
 * @throws ExitError (unavailable) when no pod's log can be read
 */
export async function readPodLogs(
  access: ClusterAccess,
  pods: readonly MeshedPod[],
  since: string | undefined,
  onLog: (lines: string[]) => Promise<void>,
  onMissing: (reason: string) => void,
): Promise<void> {
  const waiting = [...pods];
  let read = 0;
  let failure: ExitError | undefined;
  const worker = async () => {
    for (let pod = waiting.shift(); pod !== undefined; pod = waiting.shift()) {
      const { namespace, name } = pod;
      try {
        const log = await kubectl(access, `read the access log of the pod ${namespace}/${name}`, [
          ...["logs", "--namespace", namespace, name, "--container", PROXY_CONTAINER],
          ...(since === undefined ? [] : [since]),
        ]);
        await onLog(log.toString().split("\n"));
        read += 1;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        failure ??= error;
        onMissing(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
  if (read === 0 && failure !== undefined) throw failure;
}

/** Labels that controllers and Istio add to pods, or that change with every release. */
const VOLATILE = [
  "pod-template-hash",
  "controller-revision-hash",
  "pod-template-generation",
  "version",
  "app.kubernetes.io/version",
  "helm.sh/chart",
  /^(?:statefulset|apps|batch|service\.istio|security\.istio|sidecar\.istio|topology|topology\.kubernetes)(?:\.kubernetes)?\.io\//,
  /^istio\.io\//,
];

/** The usual names of the one label that tells applications apart. */
const TELLING = ["app.kubernetes.io/name", "app", "k8s-app"];

/**
 * Labels that select all pods of the workload and none of the others here: one of the usual ones, else all that its
 * pods have in common and that last; undefined when even these select other pods, too.
 */
export function selectingLabels(workload: Workload, pods: readonly MeshedPod[]): Record<string, string> | undefined {
  const isOwn = (pod: MeshedPod) =>
    pod.namespace === workload.namespace && pod.serviceAccount === workload.serviceAccount;
  const [first, ...rest] = pods.filter(isOwn);
  if (first === undefined) return undefined;
  const common = Object.entries(first.labels).filter(
    ([key, value]) =>
      !VOLATILE.some((form) => (typeof form === "string" ? form === key : form.test(key))) &&
      rest.every(({ labels }) => labels[key] === value),
  );
  const others = pods.filter((pod) => pod.namespace === workload.namespace && !isOwn(pod));
  const candidates = [...TELLING.map((telling) => common.filter(([key]) => key === telling)), common];
  const selecting = candidates.find(
    (labels) =>
      labels.length > 0 && !others.some((other) => labels.every(([key, value]) => other.labels[key] === value)),
  );
  return selecting && Object.fromEntries(selecting);
}
