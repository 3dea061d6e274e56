import { EXIT, ExitError } from "../../base/exit-error.ts";
import { recordAt, textAt } from "../../base/json-value.ts";
import { parseManifests } from "../../chart/manifests.ts";
import { helmReleases, type Release, releaseValues } from "../../programs/helm-releases.ts";
import { type ClusterAccess, kubectl } from "../../programs/kubectl.ts";
import { mustRun } from "../../programs/run.ts";
import { isOfAnotherCluster } from "../../teleport/join/token-difference.ts";
import { type TeleportStatus, teleportResources, teleportStatus, teleportTokens } from "../../teleport/resources.ts";
import type { Values } from "../../values/types.ts";
import { podsWithProxy } from "../pods-with-proxy.ts";
import { CHART_RELEASE } from "./chart-step.ts";
import { ISTIO_RELEASES } from "./istio-steps.ts";
import { missingPermissions } from "./permissions.ts";
import type { Prepared } from "./prepare.ts";

/** A check of what must hold before anything is changed: what was seen, or an ExitError with the fix. */
export interface PreflightCheck {
  title: string;
  run(): Promise<string>;
}

/** The checks in the order in which a person would make them. Each only reads. */
export function preflightChecks(plan: Prepared): PreflightCheck[] {
  return [
    { title: "programs", run: () => programs(plan) },
    { title: "cluster", run: () => cluster(plan) },
    { title: "permissions", run: () => permissions(plan) },
    { title: "Teleport", run: () => teleport(plan) },
    { title: "Teleport's resources", run: () => teleportNames(plan) },
    { title: "Helm releases", run: () => releases(plan) },
    { title: "Istio", run: () => (plan.istio === undefined ? istioOfOthers(plan) : ownIstio(plan)) },
    { title: "namespaces", run: () => namespaces(plan) },
  ];
}

async function programs({ access: { runner } }: Prepared): Promise<string> {
  const version = await mustRun(
    runner,
    { program: "helm", args: ["version", "--template={{.Version}}"] },
    { purpose: "ask Helm's version" },
  );
  const client = await mustRun(
    runner,
    { program: "kubectl", args: ["version", "--client", "--output=json"] },
    { purpose: "ask kubectl's version" },
  );
  const { clientVersion } = JSON.parse(client) as { clientVersion: { gitVersion: string } };
  const tctl = await mustRun(runner, { program: "tctl", args: ["version"] }, { purpose: "ask tctl's version" });
  const [, teleport = "of an unknown version"] = /v?(\d+\.\d+\.\S+)/.exec(tctl) ?? [];
  return `helm ${version.trim()}, kubectl ${clientVersion.gitVersion}, tctl ${teleport}`;
}

/** Kubernetes from which the kubelet asks for nodes/pods rather than nodes/proxy: KEP-2862. */
const FINE_GRAINED_KUBELET = [1, 33] as const;
/** Kubernetes from which ValidatingAdmissionPolicy is there. */
const ADMISSION_POLICIES = [1, 30] as const;

async function cluster({ access, values }: Prepared): Promise<string> {
  const printed = await kubectl(access, "ask the cluster's version", ["version", "--output=json"]);
  const { serverVersion } = JSON.parse(printed.toString()) as { serverVersion: { gitVersion: string } };
  const nodeList = await kubectl(access, "list the nodes", ["get", "nodes", "--output=json"]);
  const { items } = JSON.parse(nodeList.toString()) as {
    items: { metadata: { name: string }; status: { nodeInfo: { kubeletVersion: string } } }[];
  };
  const server = serverVersion.gitVersion;
  if (values.mesh.enabled && values.mesh.admission.enabled && isBefore(server, ADMISSION_POLICIES)) {
    throw new ExitError(
      `the cluster has Kubernetes ${server}, and the admission policy needs 1.30: set mesh.admission.enabled to false, after docs/explain/security.md on what then stays open`,
    );
  }
  const old = items.find(({ status }) => isBefore(status.nodeInfo.kubeletVersion, FINE_GRAINED_KUBELET));
  if (values.tbot.enabled && values.tbot.kubelet.authorization === "pods" && old !== undefined) {
    throw new ExitError(
      `the kubelet of node ${old.metadata.name} has version ${old.status.nodeInfo.kubeletVersion}, and before 1.33 tbot cannot read its pods with the right to nodes/pods: set tbot.kubelet.authorization to proxy, after docs/explain/security.md on why that is worse`,
    );
  }
  return `Kubernetes ${server}, ${items.length} ${items.length === 1 ? "node" : "nodes"}`;
}

function isBefore(version: string, [major, minor]: readonly [number, number]): boolean {
  const [, foundMajor, foundMinor] = /^v?(\d+)\.(\d+)/.exec(version) ?? [];
  if (foundMajor === undefined) return false;
  return Number(foundMajor) < major || (Number(foundMajor) === major && Number(foundMinor) < minor);
}

async function permissions({ access, values, istio }: Prepared): Promise<string> {
  const missing = await missingPermissions(access, values, { skipIstio: istio === undefined });
  if (missing.length > 0) {
    throw new ExitError(
      `you may not ${missing.join(", ")}: use an account with the role cluster-admin, or have these rights granted`,
    );
  }
  return "all that the steps need";
}

async function teleport({ access, values }: Prepared): Promise<string> {
  const status = await teleportStatus(access.runner);
  const { clusterName } = values.global.teleport;
  if (status.clusterName !== clusterName) {
    throw new ExitError(
      `tctl is logged in to the cluster ${JSON.stringify(status.clusterName)}, and global.teleport.clusterName is ${JSON.stringify(clusterName)}: log in to the other one, or correct the value`,
    );
  }
  refuseNewerTbot(status, values);
  return `cluster ${clusterName}${status.major === undefined ? "" : `, version ${status.major}`}`;
}

/** Servers support clients one major behind, never a newer one: https://goteleport.com/docs/upgrading/overview/. */
function refuseNewerTbot({ major }: TeleportStatus, { tbot }: Values): void {
  const tag = Number(/^v?(\d+)\.\d+\.\d+/.exec(tbot.image.tag)?.[1] ?? Number.NaN);
  if (!tbot.enabled || tbot.image.digest !== "" || major === undefined || !(tag > major)) return;
  throw new ExitError(
    `Teleport has the major version ${major}, and tbot.image.tag is ${tbot.image.tag}: a newer tbot than the cluster is not supported, set a tag of version ${major}`,
  );
}

async function teleportNames({ access, values, token }: Prepared): Promise<string> {
  const resources = await teleportResources(access.runner, values);
  const other = resources.find(({ state }) => state === "other");
  if (other !== undefined) {
    throw new ExitError(
      `Teleport has a ${other.kind} ${JSON.stringify(other.name)} that grants other things than ours would: name ours differently below global.teleport, or remove it with \`tctl rm ${other.kind}/${other.name}\``,
    );
  }
  const stored = (await teleportTokens(access.runner)).find(({ name }) => name === token.tokenName);
  if (stored === undefined) return "names are free or ours";
  const fix = `name this cluster's token differently with global.teleport.join.tokenName, or remove it with \`tctl rm token/${token.tokenName}\``;
  if (stored.joinMethod !== "kubernetes" || stored.botName !== token.botName) {
    throw new ExitError(`Teleport has a join token ${JSON.stringify(token.tokenName)} of another kind: ${fix}`);
  }
  // Sharing a token would take the other cluster's tbots their way to join.
  if (token.means.type === "static_jwks" && isOfAnotherCluster(stored, token.means.keys)) {
    throw new ExitError(
      `the join token ${JSON.stringify(token.tokenName)} holds keys of another cluster and none of this one's: ${fix} when that cluster is gone`,
    );
  }
  return "names are free or ours";
}

async function releases({ access, values, istio }: Prepared): Promise<string> {
  const all = await helmReleases(access);
  const own = all.find(({ chart }) => chart === "istio-teleport");
  const namespace = values.tbot.namespace.name;
  if (own !== undefined && (own.name !== CHART_RELEASE || own.namespace !== namespace)) {
    throw new ExitError(
      `the chart is installed already as release ${own.name} in the namespace ${own.namespace}, and two would claim the same cluster-wide objects: upgrade that one with helm, or uninstall it first`,
    );
  }
  const ofIstio: [string, string][] =
    istio === undefined
      ? []
      : [
          [ISTIO_RELEASES.base, "base"],
          [ISTIO_RELEASES.istiod, "istiod"],
        ];
  for (const [name, chart] of ofIstio) refuseOtherChart(all, name, values.mesh.rootNamespace, chart);
  refuseOtherChart(all, CHART_RELEASE, namespace, "istio-teleport");
  return "names are free or ours";
}

function refuseOtherChart(all: readonly Release[], name: string, namespace: string, chart: string): void {
  const release = all.find((candidate) => candidate.name === name && candidate.namespace === namespace);
  if (release === undefined || release.chart === chart) return;
  throw new ExitError(
    `the release ${name} in the namespace ${namespace} is of the chart ${release.chart}, not ${chart}: uninstall it, or install by hand as docs/start/installation.md says`,
  );
}

async function ownIstio({ access, values }: Prepared): Promise<string> {
  const printed = await kubectl(access, "look for istiod", [
    ...["get", "deployments", "--all-namespaces", "--selector=app=istiod", "--output=json"],
  ]);
  const { items } = JSON.parse(printed.toString()) as {
    items: { metadata: { name: string; namespace: string; annotations?: Record<string, string> } }[];
  };
  const namespace = values.mesh.rootNamespace;
  const foreign = items.find(
    ({ metadata }) =>
      metadata.namespace !== namespace || metadata.annotations?.["meta.helm.sh/release-name"] !== ISTIO_RELEASES.istiod,
  );
  if (foreign !== undefined) {
    throw new ExitError(
      `${foreign.metadata.name} in the namespace ${foreign.metadata.namespace} was not installed as the release ${ISTIO_RELEASES.istiod} in ${namespace}: give it the values of \`istio-teleport render istio\` by the way it was installed, then run this command with --skip-istio`,
    );
  }
  const release = (await helmReleases(access)).find(
    (candidate) => candidate.name === ISTIO_RELEASES.istiod && candidate.namespace === namespace,
  );
  if (release === undefined) return "not there yet";
  // A release that has failed may still be a mesh that runs: what istiod reads tells, not what Helm was given last.
  const trustDomain =
    release.status === "deployed"
      ? textAt(recordAt(await releaseValues(access, release), "meshConfig"), "trustDomain") || "cluster.local"
      : (await trustDomains(access, namespace)).find((domain) => domain !== values.global.teleport.clusterName);
  if (trustDomain === undefined || trustDomain === values.global.teleport.clusterName) {
    return release.status === "deployed" ? `istiod ${release.version} is there` : `the release is ${release.status}`;
  }
  const { length: count } = await podsWithProxy(access, "");
  if (count === 0) return `istiod ${release.version} is there, and no pod is meshed yet`;
  throw new ExitError(
    `a mesh with the trust domain ${trustDomain} runs already, and its ${count} ${count === 1 ? "pod" : "pods"} would be cut off until restarted: move it as "Moving an existing mesh" in docs/start/installation.md says, then run this command again`,
  );
}

async function istioOfOthers({ access, values }: Prepared): Promise<string> {
  const printed = await kubectl(access, "look for Istio's CRDs", [
    ...["get", "customresourcedefinition", "authorizationpolicies.security.istio.io"],
    ...["--ignore-not-found", "--output=name"],
  ]);
  if (printed.length === 0) {
    throw new ExitError("Istio's CRDs are not in this cluster: install Istio first, or leave out --skip-istio");
  }
  const { rootNamespace } = values.mesh;
  const found = await trustDomains(access, rootNamespace);
  if (found.length === 0) {
    throw new ExitError(
      `the namespace ${rootNamespace} holds no mesh configuration (ConfigMap istio or istio-<revision>): set mesh.rootNamespace to istiod's namespace`,
    );
  }
  const { clusterName } = values.global.teleport;
  const other = found.find((domain) => domain !== clusterName);
  if (other !== undefined) {
    throw new ExitError(
      `the mesh of the namespace ${rootNamespace} has the trust domain ${other}, not ${clusterName}: give istiod the values of \`istio-teleport render istio\` first, each revision`,
    );
  }
  return `left to you, and has the trust domain ${clusterName}`;
}

/** The trust domains of all revisions of istiod in a namespace, from the ConfigMaps that Istio's charts make. */
async function trustDomains(access: ClusterAccess, namespace: string): Promise<string[]> {
  const printed = await kubectl(access, "read the mesh configuration", [
    ...["get", "configmaps", `--namespace=${namespace}`, "--output=json"],
  ]);
  const { items } = JSON.parse(printed.toString()) as {
    items: { metadata: { name: string }; data?: Record<string, string> }[];
  };
  return items.flatMap(({ metadata, data }) => {
    if (!/^istio(-|$)/.test(metadata.name) || data?.mesh === undefined) return [];
    return /^trustDomain:\s*["']?([^"'\s]+)/m.exec(data.mesh)?.[1] ?? "cluster.local";
  });
}

async function namespaces({ access, chart }: Prepared): Promise<string> {
  const wanted = parseManifests(chart.manifests).filter(({ kind }) => kind === "Namespace");
  for (const { metadata } of wanted) {
    const printed = await kubectl(access, `read the namespace ${metadata.name}`, [
      ...["get", "namespace", metadata.name, "--ignore-not-found", "--output=json"],
    ]);
    if (printed.length === 0) continue;
    const found = JSON.parse(printed.toString()) as { metadata: { annotations?: Record<string, string> } };
    if (found.metadata.annotations?.["meta.helm.sh/release-name"] === CHART_RELEASE) continue;
    throw new ExitError(
      `the namespace ${metadata.name} exists already and is not the chart's, so Helm would refuse to install: set its namespace.create to false in the values`,
    );
  }
  const names = wanted.map(({ metadata }) => metadata.name).join(", ");
  return names === "" ? "the chart makes none but tbot's" : `free or ours: ${names}`;
}

/** What a check came to. */
export interface Outcome {
  title: string;
  outcome: string;
  passed: boolean;
}

/**
 * Runs all checks at once, whatever the outcome of the others.
 *
 * @param report gets each outcome, in the order of the checks
 * @throws ExitError when one failed: refused when something is wrong, unavailable when something could not be looked at
 */
export async function preflight(checks: readonly PreflightCheck[], report: (outcome: Outcome) => void): Promise<void> {
  const failures: ExitError[] = [];
  const running = checks.map(({ title, run }) => ({ title, result: outcomeOf(run) }));
  for (const { title, result } of running) {
    const outcome = await result;
    if (outcome instanceof ExitError) failures.push(outcome);
    const passed = !(outcome instanceof ExitError);
    report({ title, outcome: passed ? outcome : outcome.message.replace(/\.$/, ""), passed });
  }
  if (failures.length === 0) return;
  const refused = failures.some(({ code }) => code === EXIT.refused);
  throw new ExitError(
    `${failures.length} of ${checks.length} pre-flight checks failed (above); nothing was changed: fix them and rerun the command.`,
    refused ? EXIT.refused : EXIT.unavailable,
  );
}

async function outcomeOf(run: () => Promise<string>): Promise<string | ExitError> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof ExitError) return error;
    throw error;
  }
}
