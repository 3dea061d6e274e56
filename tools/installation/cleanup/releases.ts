import { recordAt, textAt } from "../../base/json-value.ts";
import { ISTIO_RELEASES } from "../../chart/releases.ts";
import { helmCommand } from "../../programs/cluster-commands.ts";
import { helmReleases, type Release, releaseValues } from "../../programs/helm-releases.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import { podsWithProxy } from "../../programs/pods-with-proxy.ts";
import type { Values } from "../../values/types.ts";
import type { Finding, Scene } from "./plan.ts";

/** Releases that are ours to remove, in the order of removal, and why others are not. */
export interface OwnReleases {
  own: Release[];
  left: string[];
}

/**
 * The release of our chart, whatever its name; with Istio, also istiod and its CRDs' release where istiod has our values
 * and nobody else needs it.
 *
 * @throws ExitError (unavailable) when Helm or the cluster does not answer
 */
export async function ownReleases(access: ClusterAccess, values: Values, withIstio: boolean): Promise<OwnReleases> {
  const all = await helmReleases(access);
  const chart = all.filter((release) => release.chart === "istio-teleport");
  if (!withIstio) return { own: chart, left: [] };
  const [istiod, base] = [ISTIO_RELEASES.istiod, ISTIO_RELEASES.base].map((name) =>
    all.find((release) => release.name === name && release.namespace === values.mesh.rootNamespace),
  );
  const istio = [istiod, base].filter((release) => release !== undefined);
  if (istio.length === 0) return { own: chart, left: [] };
  const reason = await whyIstioStays(access, values, { all, istiod, base });
  if (reason === undefined) return { own: [...chart, ...istio], left: [] };
  return { own: chart, left: [`Istio's releases: ${reason}`] };
}

/** Removes the releases among `names` that are to go. */
export async function lookAtReleases(
  { access, timeoutSeconds, removed }: Scene,
  isOfStage: (release: Release) => boolean,
): Promise<Finding> {
  const all = await helmReleases(access);
  const present = removed.filter(isOfStage).filter((release) => all.some((other) => sameRelease(other, release)));
  return {
    commands: present.map(({ name, namespace }) => ({
      purpose: `uninstall ${name}`,
      command: helmCommand(access, [
        ...["uninstall", name, `--namespace=${namespace}`],
        ...["--wait", `--timeout=${timeoutSeconds}s`],
      ]),
    })),
    left: [],
  };
}

function sameRelease(a: Release, b: Release): boolean {
  return a.name === b.name && a.namespace === b.namespace;
}

/** Charts of Istio that do nothing without istiod. */
const DEPENDENTS = ["gateway", "cni", "ztunnel"];

async function whyIstioStays(
  access: ClusterAccess,
  values: Values,
  { all, istiod, base }: { all: readonly Release[]; istiod: Release | undefined; base: Release | undefined },
): Promise<string | undefined> {
  const other = [
    { release: istiod, chart: "istiod" },
    { release: base, chart: "base" },
  ].find(({ release, chart }) => release !== undefined && release.chart !== chart);
  if (other !== undefined) return `${other.release?.name} is of the chart ${other.release?.chart}, not ${other.chart}`;
  if (istiod !== undefined && !(await hasOurValues(access, istiod, values))) {
    return "istiod does not have the values of `istio-teleport render istio`, so it is somebody else's";
  }
  const dependent = all.find(({ chart }) => DEPENDENTS.includes(chart));
  if (dependent !== undefined) {
    return `the release ${dependent.name} in the namespace ${dependent.namespace} needs istiod; uninstall it first`;
  }
  const namespaces = await meshedNamespaces(access);
  if (namespaces.length === 0) return undefined;
  return `pods in ${namespaces.join(", ")} are meshed; take the injection label off and restart them, or remove the gateways, first`;
}

async function hasOurValues(access: ClusterAccess, istiod: Release, { global, istio }: Values): Promise<boolean> {
  const values = await releaseValues(access, istiod);
  const templates = recordAt(recordAt(values, "sidecarInjectorWebhook"), "templates");
  return (
    textAt(recordAt(values, "meshConfig"), "trustDomain") === global.teleport.clusterName &&
    istio.injectionTemplate in templates
  );
}

/**
 * Namespaces with pods that have Istio's proxy and are not of our chart, sorted.
 *
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function meshedNamespaces(access: ClusterAccess): Promise<string[]> {
  return [...new Set(await podsWithProxy(access, "app.kubernetes.io/part-of!=istio-teleport"))].sort();
}
