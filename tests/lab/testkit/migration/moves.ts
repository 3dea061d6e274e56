import { join } from "node:path";
import { expect } from "vitest";
import { istioCharts } from "../../../../lab/build/toolbox.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shellBlock } from "../../../../scripts/shell-blocks/blocks.ts";
import { address, onePod } from "../cluster/pods.ts";
import { shell, tryShell, until } from "../cluster/shell.ts";
import { doctor } from "../doctor/doctor.ts";
import { type Issuer, Issuers } from "../identity/issuers.ts";
import type { Spire } from "../identity/spire.ts";
import { certificateOnTheWire } from "../identity/wire.ts";
import { ISTIO_LAB_VALUES } from "../installation/installation.ts";
import { istiodAnswers } from "../installation/layers.ts";
import { runDocumented } from "../installation/run-documented.ts";
import { type LoadResult, loadWhile, lost } from "../traffic/load.ts";
import { CLIENTS, MOVING, SERVERS } from "./workloads.ts";

/** Requests per second, from each of the client's pods. */
const RATE = 30;
/** Any: a sidecar answers at each. */
const PORT = 8080;

/** Switches calls of the server to plaintext, or back, as docs/operate/leaving.md says. */
export function plaintext(moment: "before" | "after"): Promise<void> {
  const blocks = {
    before: shellBlock("docs/operate/leaving.md#plaintext"),
    after: shellBlock("docs/operate/leaving.md#mutual-tls"),
  };
  return runDocumented(blocks[moment], { NAMESPACE: SERVERS });
}

export function restart(namespace: string): Promise<void> {
  return runDocumented(shellBlock("docs/operate/migration.md#restart"), { NAMESPACE: namespace });
}

/** Installs istiod and the chart with the user's files as they are. */
export async function applyValues(): Promise<void> {
  await runDocumented(shellBlock("docs/operate/migration.md#scope"));
  await istiodAnswers();
}

/** Lets a workload choose Teleport. */
export function move(namespace: string, workload: string): Promise<void> {
  return runDocumented(shellBlock("docs/operate/migration.md#workload"), { NAMESPACE: namespace, WORKLOAD: workload });
}

/** Lets a workload choose its injection templates, or have the mesh's default ones again; waits for its new pod. */
export async function chooseTemplates(namespace: string, workload: string, templates: string | null): Promise<void> {
  const template = { metadata: { annotations: { "inject.istio.io/templates": templates } } };
  const patch = JSON.stringify({ spec: { template } });
  await shell(`kubectl -n ${namespace} patch deployment ${workload} -p '${patch}'`);
  await restart(namespace);
}

/** istiod as it was before anybody thought of Teleport: of its own CA and of Istio's default trust domain. */
export async function istiodOfOld(): Promise<void> {
  const chart = join(istioCharts(labPaths()), "istio-control", "istio-discovery");
  await shell(`helm upgrade istiod '${chart}' -n istio-system -f '${ISTIO_LAB_VALUES}' --wait`);
  await istiodAnswers();
}

/** Measures what something costs, and prints it. */
export async function underLoad(what: string, happens: () => Promise<void>): Promise<LoadResult> {
  const result = await loadWhile(RATE, MOVING, happens);
  process.stderr.write(`${what}: ${lost(result)}\n`);
  return result;
}

/** Waits until the client and the server present certificates of these issuers. */
export async function expectIssuers(
  client: Issuer | "spire",
  server: Issuer | "spire",
  spire?: Pick<Spire, "root">,
): Promise<void> {
  const issuers = await Issuers.read();
  const presented = async (namespace: string) => {
    const certificate = await certificateOnTheWire(address(await onePod(namespace, "")), PORT);
    if (certificate === undefined) return undefined;
    return spire !== undefined && certificate.verify(spire.root.publicKey)
      ? "spire"
      : issuers.identityOf(certificate).issuer;
  };
  await until(`the client has a certificate of ${client}, the server one of ${server}`, 60, async () => {
    expect([await presented(CLIENTS), await presented(SERVERS)]).toEqual([client, server]);
    return true;
  });
}

/** What becomes of a new pod that mounts the node's logs: admitted, or why not. */
export async function withHostPath(namespace: string, annotations: Record<string, string> = {}): Promise<string> {
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "logs", namespace, annotations },
    spec: {
      containers: [{ name: "app", image: "lab.local/client:lab" }],
      volumes: [{ name: "logs", hostPath: { path: "/var/log" } }],
    },
  };
  const { code, stderr } = await tryShell("kubectl create -f - --dry-run=server", { input: JSON.stringify(pod) });
  return code === 0 ? "admitted" : stderr;
}

/** What doctor says of the pods in scope and out of it. */
export async function outOfScope(): Promise<string> {
  const { checks } = await doctor();
  return checks.find(({ id }) => id === "proxy-mount")?.examined ?? "";
}
