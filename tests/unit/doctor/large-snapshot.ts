import { isMeshed, nameOf } from "../../../tools/doctor/facts/meshed-pods.ts";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";
import { healthySnapshot } from "./healthy-snapshot.ts";

/** As many pods as a node of a large cluster runs. */
const PODS_PER_NODE = 50;

/** The healthy snapshot with copies of its meshed pods, of their proxies and of tbot, on as many nodes as they need. */
export function largeSnapshot(meshed: number): Snapshot {
  const snapshot = healthySnapshot();
  const { pods, nodes, nodeLeases, proxies } = snapshot;
  if (!pods.ok || !nodes.ok || !nodeLeases.ok) throw new Error("the recorded snapshot lacks pods or nodes");
  const secretsOf = new Map(proxies.map(({ namespace, pod, secrets }) => [`${namespace}/${pod}`, secrets]));
  const sources = pods.value.filter((pod) => isMeshed(pod) && secretsOf.has(nameOf(pod)));
  const names = Array.from({ length: Math.ceil(meshed / PODS_PER_NODE) }, (_, index) => `node-${index}`);
  const onNodes = <T>(items: readonly T[], copy: (item: T, node: string) => T) =>
    names.flatMap((node) => items.map((item) => copy(item, node)));

  snapshot.nodes = { ok: true, value: onNodes(nodes.value, renamed) };
  snapshot.nodeLeases = { ok: true, value: onNodes(nodeLeases.value, renamed) };
  snapshot.tbotPods = onNodes(snapshot.tbotPods, (tbot, node) => ({ ...tbot, name: `${tbot.name}-${node}`, node }));
  const tbots = pods.value.filter(({ metadata }) => metadata.namespace === "teleport-system");
  const copies = onNodes(tbots, (pod, node) => ({
    ...renamed(pod, `${pod.metadata.name}-${node}`),
    spec: { ...pod.spec, nodeName: node },
  }));
  snapshot.proxies = [];
  for (let index = 0; index < meshed; index++) {
    const source = sources[index % sources.length];
    const nodeName = names[Math.floor(index / PODS_PER_NODE)];
    const secrets = source && secretsOf.get(nameOf(source));
    if (source === undefined || secrets === undefined || nodeName === undefined) throw new Error("no pod to copy");
    const pod = { ...renamed(source, `${source.metadata.name}-${index}`), spec: { ...source.spec, nodeName } };
    copies.push(pod);
    if (!secrets.ok) throw new Error(secrets.reason);
    // OpenSSL passes over what is before the certificate: each pod has a text of its own, as each has a leaf of its own.
    const chain = secrets.value.chain.map((pem) => `${index}\n${pem}`);
    snapshot.proxies.push({
      namespace: pod.metadata.namespace,
      pod: pod.metadata.name,
      secrets: { ok: true, value: { ...secrets.value, chain } },
    });
  }
  snapshot.pods = { ok: true, value: copies };
  return snapshot;
}

function renamed<T extends { metadata: { name: string } }>(object: T, name: string): T {
  return { ...object, metadata: { ...object.metadata, name } };
}
