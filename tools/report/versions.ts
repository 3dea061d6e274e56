import { groupBy } from "../base/group-by.ts";
import { proxiesOf } from "../base/injection.ts";
import type { Facts } from "../doctor/facts/make-facts.ts";
import type { Read } from "../programs/kube-api/read.ts";
import type { Version } from "./document.ts";
import { orUndefined } from "./or-undefined.ts";

/** What runs, by version; one entry for all that have the same. */
export function versionsOf(facts: Facts, toolVersion: string): Version[] {
  return [
    read("Kubernetes", "API server", facts.kubernetesVersion, "Its /version."),
    ...(facts.nodes.ok
      ? grouped(
          "kubelet",
          "nodes",
          facts.nodes.value,
          ({ status }) => status.nodeInfo.kubeletVersion,
          "Status of the nodes.",
        )
      : []),
    ...(facts.istiods.ok
      ? facts.istiods.value.map(({ metadata, spec }): Version => {
          const { image } = spec.template.spec.containers.find(({ name }) => name === "discovery") ?? {};
          return fromImage("istiod", `${metadata.namespace}/${metadata.name}`, image);
        })
      : []),
    ...grouped(
      "Istio proxy",
      "pods",
      orUndefined(facts.meshedPods) ?? [],
      ({ spec }) => tagOf(proxiesOf(spec)[0]?.image),
      "Images of the pods' proxies.",
    ),
    read("Teleport", "its proxy", facts.teleportVersion, "Given, or asked at Teleport’s proxy."),
    ...grouped(
      "tbot",
      "nodes",
      facts.tbotPods,
      ({ version }) => (version.ok ? version.value : undefined),
      "Its metric teleport_build_info.",
    ),
    ...(facts.tbotDaemonSets.ok
      ? facts.tbotDaemonSets.value.slice(0, 1).map(({ metadata }): Version => {
          const label = metadata.labels?.["helm.sh/chart"];
          return {
            component: "Chart",
            where: `${metadata.namespace}/${metadata.name}`,
            version: label?.replace(/^.*?-(?=\d)/, "") ?? null,
            evidence: "The label helm.sh/chart of tbot’s DaemonSet.",
          };
        })
      : []),
    { component: "istio-teleport", where: "this report", version: toolVersion, evidence: "The program that made it." },
  ];
}

function read(component: string, where: string, version: Read<string>, evidence: string): Version {
  return version.ok
    ? { component, where, version: version.value, evidence }
    : { component, where, version: null, evidence: version.reason };
}

function grouped<Item>(
  component: string,
  noun: string,
  items: readonly Item[],
  versionIn: (item: Item) => string | undefined,
  evidence: string,
): Version[] {
  return [...groupBy(items, versionIn)].map(([version, own]) => ({
    component,
    where: own.length === items.length ? `all ${own.length} ${noun}` : `${own.length} of ${items.length} ${noun}`,
    version: version ?? null,
    evidence: version === undefined ? "It does not say." : evidence,
  }));
}

function fromImage(component: string, where: string, image: string | undefined): Version {
  return {
    component,
    where,
    version: tagOf(image) ?? null,
    evidence: image === undefined ? "No image." : `Image ${image}.`,
  };
}

/** `1.31.0` of `registry:5000/pilot:1.31.0@sha256:…`; a digest alone says no version. */
function tagOf(image: string | undefined): string | undefined {
  return /:([^:/@]+)(?:@|$)/.exec(image?.replace(/@.*$/, "") ?? "")?.[1];
}
