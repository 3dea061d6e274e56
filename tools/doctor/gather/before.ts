import { ExitError } from "../../base/exit-error.ts";
import { recordAt, textAt } from "../../base/json-value.ts";
import { parseManifests } from "../../chart/manifests.ts";
import { releaseBytes } from "../../chart/release-size.ts";
import { CHART_RELEASE, ISTIO_RELEASES } from "../../chart/releases.ts";
import { helmVersion } from "../../programs/helm.ts";
import { helmReleases, type Release, releaseValues } from "../../programs/helm-releases.ts";
import { jsonFrom, OBJECT } from "../../programs/json-from.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import { kubectlJson, kubectlList, kubectlObjectIfAny } from "../../programs/kubernetes-objects.ts";
import { podsWithProxy } from "../../programs/pods-with-proxy.ts";
import { mustRun, type Runner } from "../../programs/run.ts";
import type { JoinToken } from "../../teleport/join/join-token.ts";
import { teleportResources, teleportStatus, teleportTokens } from "../../teleport/resources.ts";
import type { Values } from "../../values/types.ts";
import type { BeforeFacts, IstioElsewhere, IstioHere, PlannedNamespace } from "../facts/before.ts";
import type { ConfigMap, DaemonSet, Deployment, Node } from "../facts/objects.ts";
import { missingRights } from "./installation-rights.ts";
import { policyReleases } from "./policy-releases.ts";
import { readOrReason } from "./read-or-reason.ts";

/** What is to be installed, and where. */
export interface Planned {
  access: ClusterAccess;
  values: Values;
  /** The join token with this cluster's keys. */
  token: () => Promise<JoinToken>;
  /** The chart, rendered with the values. */
  manifests: string;
  /** Whether Istio is managed elsewhere. */
  skipIstio: boolean;
}

/** Reads what the checks before an installation need, all at once. What cannot be read is in the facts as the reason. */
export async function gatherBefore({ access, values, token, manifests, skipIstio }: Planned): Promise<BeforeFacts> {
  const { runner } = access;
  const releases = readOrReason(() => helmReleases(access));
  const [
    wantedToken,
    programs,
    kubernetesVersion,
    nodes,
    rights,
    teleport,
    resources,
    storedTokens,
    istio,
    istioCni,
    namespaces,
    ofPolicies,
    bytes,
  ] = await Promise.all([
    readOrReason(token),
    Promise.all([
      readOrReason(() => helmText(runner)),
      readOrReason(() => kubectlText(runner)),
      readOrReason(() => tctlText(runner)),
    ]),
    readOrReason(() => serverVersion(access)),
    readOrReason(() => kubectlList<Node>(access, "list the nodes", ["get", "nodes"])),
    readOrReason(() => missingRights(access, values, { skipIstio })),
    readOrReason(() => teleportStatus(runner)),
    readOrReason(() => teleportResources(runner, values)),
    readOrReason(() => teleportTokens(runner)),
    readIstio({ access, values, skipIstio }, releases),
    values.istio.cni ? readOrReason(() => hasIstioCni(access)) : undefined,
    readOrReason(() => plannedNamespaces(access, manifests)),
    readOrReason(() => policyReleases(access, values.mesh.rootNamespace, releases)),
    releaseBytes(manifests, values),
  ]);
  return {
    intended: values,
    token: wantedToken,
    programs,
    kubernetesVersion,
    nodes,
    missingRights: rights,
    teleport,
    teleportResources: resources,
    storedTokens,
    releases: await releases,
    policyReleases: ofPolicies,
    releaseBytes: bytes,
    istio,
    ...(istioCni !== undefined && { istioCni }),
    namespaces,
  };
}

async function readIstio(
  { access, values, skipIstio }: Pick<Planned, "access" | "values" | "skipIstio">,
  releases: Promise<Read<Release[]>>,
): Promise<BeforeFacts["istio"]> {
  if (skipIstio) {
    return { managed: "elsewhere", found: await readOrReason(() => istioElsewhere(access, values.mesh.rootNamespace)) };
  }
  return { managed: "here", found: await readOrReason(async () => istioHere(access, values, await releases)) };
}

async function helmText(runner: Runner): Promise<string> {
  return `helm ${(await helmVersion(runner)).trim()}`;
}

async function kubectlText(runner: Runner): Promise<string> {
  const purpose = "ask kubectl's version";
  const command = { program: "kubectl", args: ["version", "--client", "--output=json"] };
  const printed = jsonFrom(await mustRun(runner, command, { purpose }), "kubectl", purpose, OBJECT);
  return `kubectl ${textAt(recordAt(printed, "clientVersion"), "gitVersion")}`;
}

async function tctlText(runner: Runner): Promise<string> {
  const printed = await mustRun(runner, { program: "tctl", args: ["version"] }, { purpose: "ask tctl's version" });
  return `tctl ${/v?(\d+\.\d+\.\S+)/.exec(printed)?.[1] ?? "of an unknown version"}`;
}

async function serverVersion(access: ClusterAccess): Promise<string> {
  const printed = await kubectlJson(access, "ask the cluster's version", ["version", "--output=json"]);
  return textAt(recordAt(printed, "serverVersion"), "gitVersion");
}

async function istioHere(access: ClusterAccess, values: Values, releases: Read<Release[]>): Promise<IstioHere> {
  if (!releases.ok) throw new ExitError(releases.reason);
  const { rootNamespace } = values.mesh;
  const istiods = await kubectlList<Deployment>(access, "look for istiod", [
    ...["get", "deployments", "--all-namespaces", "--selector=app=istiod"],
  ]);
  const foreign = istiods.find(
    ({ metadata: { namespace, annotations } }) =>
      namespace !== rootNamespace || annotations?.["meta.helm.sh/release-name"] !== ISTIO_RELEASES.istiod,
  );
  if (foreign !== undefined)
    return { foreign: `${foreign.metadata.namespace}/${foreign.metadata.name}`, meshedPods: 0 };
  const release = releases.value.find(
    ({ name, namespace }) => name === ISTIO_RELEASES.istiod && namespace === rootNamespace,
  );
  if (release === undefined) return { meshedPods: 0 };
  // A release that has failed may still be a mesh that runs: what istiod reads tells, not what Helm was given last.
  const trustDomains =
    release.status === "deployed"
      ? [textAt(recordAt(await releaseValues(access, release), "meshConfig"), "trustDomain") || "cluster.local"]
      : await meshTrustDomains(access, rootNamespace);
  const otherTrustDomain = trustDomains.find((domain) => domain !== values.global.teleport.clusterName);
  if (otherTrustDomain === undefined) return { release, meshedPods: 0 };
  return { release, otherTrustDomain, meshedPods: (await podsWithProxy(access, "")).length };
}

async function istioElsewhere(access: ClusterAccess, rootNamespace: string): Promise<IstioElsewhere> {
  const args = ["get", "customresourcedefinition", "authorizationpolicies.security.istio.io"];
  const crd = await kubectlObjectIfAny(access, "look for Istio's CRDs", args);
  return { hasCrds: crd !== undefined, trustDomains: await meshTrustDomains(access, rootNamespace) };
}

/** By the label of Istio's own chart, in whatever namespace. */
async function hasIstioCni(access: ClusterAccess): Promise<boolean> {
  const args = ["get", "daemonsets", "--all-namespaces", "--selector=k8s-app=istio-cni-node"];
  return (await kubectlList<DaemonSet>(access, "look for istio-cni", args)).length > 0;
}

/** The trust domains of all revisions of istiod in a namespace, from the ConfigMaps that Istio's charts make. */
async function meshTrustDomains(access: ClusterAccess, namespace: string): Promise<string[]> {
  const args = ["get", "configmaps", `--namespace=${namespace}`];
  const all = await kubectlList<ConfigMap>(access, "read the mesh configuration", args);
  return all.flatMap(({ metadata, data }) => {
    if (!/^istio(-|$)/.test(metadata.name) || data?.mesh === undefined) return [];
    return /^trustDomain:\s*["']?([^"'\s]+)/m.exec(data.mesh)?.[1] ?? "cluster.local";
  });
}

async function plannedNamespaces(access: ClusterAccess, manifests: string): Promise<PlannedNamespace[]> {
  const names = parseManifests(manifests).flatMap(({ kind, metadata }) => (kind === "Namespace" ? metadata.name : []));
  return await Promise.all(
    names.map(async (name): Promise<PlannedNamespace> => {
      const args = ["get", "namespace", name];
      const found = await kubectlObjectIfAny<{ metadata: Record<string, unknown> }>(
        access,
        `read the namespace ${name}`,
        args,
      );
      if (found === undefined) return { name, state: "absent" };
      const annotations = recordAt(found.metadata, "annotations");
      return { name, state: textAt(annotations, "meta.helm.sh/release-name") === CHART_RELEASE ? "ours" : "other" };
    }),
  );
}
