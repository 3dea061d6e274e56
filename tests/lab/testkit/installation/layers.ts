import { join } from "node:path";
import { istioCharts } from "../../../../lab/build/toolbox.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shell, until } from "../cluster/shell.ts";
import { ISTIO_LAB_VALUES, REPOSITORY, USER_DIR } from "./installation.ts";

/** The fail-closed layers of docs/explain/security.md: which are switched on. */
export interface Layers {
  /** a: the socket directory is mounted read-only. */
  readonly pod: boolean;
  /** b: istiod's CA signs nothing usable. */
  readonly istiod: boolean;
  /** c: the admission policy. */
  readonly admission: boolean;
}

/**
 * Installs the layers asked for, and values beside the user's, and waits until they hold. Layer a has no switch in the
 * product: its absence is made by taking `readOnly` out of the rendered values, which leaves Istio's writable mount.
 */
export async function applyLayers(
  layers: Layers,
  { socketFile = "socket", sets: more = [] }: { readonly socketFile?: string; readonly sets?: readonly string[] } = {},
): Promise<void> {
  const sets = [`tbot.socket.file=${socketFile}`, ...more];
  const istiodSets = [...sets, `istio.blockIstiodCertificates=${layers.istiod}`].map((set) => `--set ${set}`).join(" ");
  const chartSets = [...sets, `mesh.admission.enabled=${layers.admission}`].map((set) => `--set ${set}`).join(" ");
  const edit = layers.pod ? "cat" : "sed '/readOnly: true/d'";
  const istiod = join(istioCharts(labPaths()), "istio-control", "istio-discovery");
  await shell(
    `npx -p istio-teleport istio-teleport render istio -f values.yaml ${istiodSets} | ${edit} |
     helm upgrade --install istiod '${istiod}' -n istio-system -f - -f '${ISTIO_LAB_VALUES}' --wait`,
    { cwd: USER_DIR },
  );
  await istiodAnswers();
  await shell(
    `helm upgrade --install istio-teleport '${REPOSITORY}/chart' -n teleport-system -f values.yaml ${chartSets}`,
    { cwd: USER_DIR },
  );
  await until("istiod injects by the new template, and admission judges by the new policy", 90, async () => {
    // A pod that opts out of our template is what the policy refuses whatever the other layers are.
    const refused = (await dryRunPod({ "inject.istio.io/templates": "sidecar" })) === undefined;
    if (refused !== layers.admission) return false;
    const injected = await dryRunPod();
    if (layers.admission && !layers.pod) return injected === undefined;
    if (injected === undefined || mountsReadOnly(injected) !== layers.pod) return false;
    return injected.includes("WORKLOAD_IDENTITY_SOCKET_FILE") === (socketFile !== "socket");
  });
}

/**
 * Waits until the API server reaches istiod's validation webhook. It keeps its connection to the istiod that was just
 * replaced, and gives it up only after its own time-out: the lab's node drops a gone pod's packets without an answer.
 */
export async function istiodAnswers(): Promise<void> {
  const policy = {
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "x", namespace: "default" },
  };
  await until("istiod's webhook answers", 120, async () => {
    await shell("kubectl create -f - --dry-run=server", { input: JSON.stringify({ ...policy, spec: {} }) });
    return true;
  });
}

/** What a pod in namespace `probe` would become, or undefined if admission refuses it. */
async function dryRunPod(annotations: Record<string, string> = {}): Promise<string | undefined> {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "dry-run", namespace: "probe", annotations },
    // As Pod Security asks at the level restricted, at which the namespace may be.
    spec: {
      securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name: "a",
          image: "a",
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  };
  try {
    return await shell("kubectl create -f - --dry-run=server -o json", { input: JSON.stringify(pod) });
  } catch (error) {
    if (error instanceof Error && error.message.includes("ValidatingAdmissionPolicy")) return undefined;
    throw error;
  }
}

function mountsReadOnly(podJson: string): boolean {
  const pod = JSON.parse(podJson) as { spec: Record<"containers" | "initContainers", ProxyContainer[] | undefined> };
  const proxy = [...(pod.spec.initContainers ?? []), ...(pod.spec.containers ?? [])].find(
    (container) => container.name === "istio-proxy",
  );
  return proxy?.volumeMounts?.find((mount) => mount.name === "workload-socket")?.readOnly === true;
}

interface ProxyContainer {
  readonly name: string;
  readonly volumeMounts?: readonly { readonly name: string; readonly readOnly?: boolean }[];
}
