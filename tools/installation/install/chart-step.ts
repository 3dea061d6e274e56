import { isDeepStrictEqual } from "node:util";
import { recordAt } from "../../base/json-value.ts";
import { CHART_DIR } from "../../base/package-files.ts";
import { type Manifest, parseManifests } from "../../chart/manifests.ts";
import { CHART_RELEASE } from "../../chart/releases.ts";
import { type Assignment, setFlag } from "../../programs/assignments.ts";
import { helmCommand, kubectlCommand } from "../../programs/cluster-commands.ts";
import { type Release, releaseManifest } from "../../programs/helm-releases.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import { isKubernetesObject, kubectlObject } from "../../programs/kubernetes-objects.ts";
import type { Values } from "../../values/types.ts";
import { lookAtRelease } from "./helm-step.ts";
import { prepareNamespace } from "./namespace.ts";
import type { Finding, Step, Todo } from "./plan.ts";

/** What the fourth step installs. */
export interface ChartSettings {
  values: Values;
  /** The flags -f, --set and its kin, as given; and what was read for `-f -`. */
  files: readonly string[];
  sets: readonly Assignment[];
  stdin: string | undefined;
  /** The chart rendered with them. */
  manifests: string;
  timeoutSeconds: number;
}

/** The chart of this package with the user's values, the fourth step; then tbot is waited for. */
export function chartStep(chart: ChartSettings, access: ClusterAccess): Step {
  const namespace = chart.values.tbot.namespace.name;
  const wanted = {
    name: CHART_RELEASE,
    namespace,
    differs: async (release: Release) =>
      sameObjects(await releaseManifest(access, release), chart.manifests) ? undefined : "its objects differ",
    before: () => prepareNamespace(access, namespace, chart.values.tbot.enabled ? TBOT_NAMESPACE_LABELS : {}),
    install: () => upgrade(chart, access),
  };
  const look = async (): Promise<Finding> => {
    const finding = await lookAtRelease(wanted, access, chart.timeoutSeconds);
    if (!chart.values.tbot.enabled || finding.state === "busy") return finding;
    const daemonSets = daemonSetsOf(chart);
    const waits = daemonSets.map((name) => waitFor(name, chart, access));
    if (finding.state === "todo") return { ...finding, commands: [...finding.commands, ...waits] };
    const states = await Promise.all(daemonSets.map((name) => daemonSetState(name, access, chart.values)));
    const words = states.map(({ name, ready, nodes }) => `${name} is ready on ${ready} of ${nodes} nodes`).join(", ");
    if (states.every(({ ready, nodes }) => ready === nodes)) return { ...finding, found: `${finding.found}, ${words}` };
    return { state: "todo", why: words, commands: waits };
  };
  return { title: "the chart istio-teleport", look };
}

/** tbot's hostPID and hostPath are refused by Pod Security below `privileged`. */
const TBOT_NAMESPACE_LABELS = {
  "pod-security.kubernetes.io/enforce": "privileged",
  "istio-injection": "disabled",
};

/** Names of the DaemonSets that the values ask for: tbot's and, where there is one, the CSI driver's. */
function daemonSetsOf({ manifests }: ChartSettings): string[] {
  return parseManifests(manifests).flatMap(({ kind, metadata }) => (kind === "DaemonSet" ? [metadata.name] : []));
}

function upgrade({ values, files, sets, stdin, timeoutSeconds }: ChartSettings, access: ClusterAccess): Todo {
  const args = [
    ...["upgrade", "--install", CHART_RELEASE, CHART_DIR, `--namespace=${values.tbot.namespace.name}`],
    ...files.map((file) => `--values=${file}`),
    ...sets.map(setFlag),
    `--timeout=${timeoutSeconds}s`,
  ];
  return { purpose: `install ${CHART_RELEASE}`, command: helmCommand(access, args, stdin) };
}

function waitFor(name: string, { values, timeoutSeconds }: ChartSettings, access: ClusterAccess): Todo {
  const args = [
    ...["rollout", "status", `daemonset/${name}`, `--namespace=${values.tbot.namespace.name}`],
    `--timeout=${timeoutSeconds}s`,
  ];
  return { purpose: `wait for ${name} on every node`, command: kubectlCommand(access, args) };
}

async function daemonSetState(
  name: string,
  access: ClusterAccess,
  values: Values,
): Promise<{ name: string; ready: number; nodes: number }> {
  const args = ["get", "daemonset", name, `--namespace=${values.tbot.namespace.name}`];
  const { status } = await kubectlObject(access, `read the DaemonSet ${name}`, args, isDaemonSet);
  const { numberReady, desiredNumberScheduled, updatedNumberScheduled = 0 } = status;
  return { name, ready: Math.min(numberReady, updatedNumberScheduled), nodes: desiredNumberScheduled };
}

interface DaemonSet {
  status: { numberReady: number; desiredNumberScheduled: number; updatedNumberScheduled?: number };
}

function isDaemonSet(value: unknown): value is DaemonSet {
  if (!isKubernetesObject<Record<string, unknown>>(value)) return false;
  const { numberReady, desiredNumberScheduled, updatedNumberScheduled = 0 } = recordAt(value, "status");
  return [numberReady, desiredNumberScheduled, updatedNumberScheduled].every((count) => typeof count === "number");
}

/** Whether two renderings hold the same objects; comments and order of documents are no difference. */
function sameObjects(a: string, b: string): boolean {
  const [first, second] = [byId(parseManifests(a)), byId(parseManifests(b))];
  return isDeepStrictEqual(first, second);
}

function byId(manifests: readonly Manifest[]): Map<string, Manifest> {
  return new Map(
    manifests.map((manifest) => [
      `${manifest.kind}/${manifest.metadata?.namespace}/${manifest.metadata?.name}`,
      manifest,
    ]),
  );
}
