import { COLOUR } from "../../base/printable.ts";
import { type KubeApi, NODE_TIMEOUT } from "../../programs/kube-api/kube-api.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import { nameOf } from "../facts/meshed-pods.ts";
import type { Pod } from "../facts/objects.ts";
import { type StoppedProxy, stoppedProxy } from "../facts/stopped-proxy.ts";
import type { MeshProxy } from "../snapshot.ts";

/** Logs that are read at most: a fault of the mesh configuration stops every sidecar. */
const MOST_LOGS = 10;

/** Lines in which an agent that ended says why. */
const LAST_LINES = 50;

/**
 * The proxies with what their agents said last, for those that do not answer since their container ended; at most ten.
 *
 * @param pods the pods of the proxies
 */
export async function withLastWords(
  api: KubeApi,
  pods: readonly Pod[],
  proxies: readonly MeshProxy[],
): Promise<MeshProxy[]> {
  const byName = new Map(pods.map((pod) => [nameOf(pod), pod]));
  const read = new Map<MeshProxy, StoppedProxy>();
  for (const proxy of proxies) {
    const own = byName.get(`${proxy.namespace}/${proxy.pod}`);
    const stopped = own && stoppedProxy(own, proxy.secrets);
    if (stopped?.saidBefore !== undefined && read.size < MOST_LOGS) read.set(proxy, stopped);
  }
  return Promise.all(
    proxies.map(async (proxy) => {
      const stopped = read.get(proxy);
      return stopped === undefined ? proxy : { ...proxy, lastWords: await readLastWords(api, proxy, stopped) };
    }),
  );
}

async function readLastWords(
  api: KubeApi,
  { namespace, pod }: MeshProxy,
  { container, saidBefore }: StoppedProxy,
): Promise<Read<string>> {
  // While no container runs, the kubelet takes the one that ended for the current one.
  const query = `container=${container}&tailLines=${LAST_LINES}&previous=${saidBefore === true}`;
  const log = await api.text(`/api/v1/namespaces/${namespace}/pods/${pod}/log?${query}`, NODE_TIMEOUT);
  return log.ok ? { ok: true, value: agentLastWords(log.value) } : log;
}

/**
 * The last error of Istio's agent, of istio-init or of their command line (`Error: …`), in one line without its time and level, or else its
 * last line; empty where the log is.
 */
export function agentLastWords(log: string): string {
  const lines = log
    .split("\n")
    .map((line) => line.replaceAll(COLOUR, "").trim())
    .filter((line) => line !== "");
  const error = lines.findLast((line) => /^Error: |^\S+\s+(?:error|fatal)\b/i.test(line));
  return (error ?? lines.at(-1) ?? "")
    .replace(/^\d{4}-\S+\s+(?:\w+\s+)?/, "")
    .replace(/^Error: /, "")
    .slice(0, 500);
}
