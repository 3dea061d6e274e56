import type { Pod } from "../cluster/pods.ts";
import { shell } from "../cluster/shell.ts";

/** Makes a sidecar keep the statistics that match a regular expression: Istio's keep few. On the pod, at its start. */
export const STATS_ANNOTATION = "sidecar.istio.io/statsInclusionRegexps";

/** Counters of the Envoy of a pod whose names start with `prefix`, by the rest of their names. */
export async function counters(namespace: string, pod: Pod, prefix = ""): Promise<Record<string, number>> {
  const stats = await shell(
    `kubectl -n ${namespace} exec ${pod.metadata.name} -c istio-proxy -- pilot-agent request GET stats`,
  );
  return Object.fromEntries(
    stats
      .split("\n")
      .filter((line) => line.startsWith(prefix))
      .map((line) => line.slice(prefix.length).split(": ") as [string, string])
      .map(([name, value]) => [name, Number(value)]),
  );
}

/** By how much each counter rose. */
export function rise(before: Record<string, number>, after: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]));
}
