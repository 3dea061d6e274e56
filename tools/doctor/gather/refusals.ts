import { PROXY_CONTAINER } from "../../base/injection.ts";
import { isRecord, jsonIn, textAt } from "../../base/json-value.ts";
import { type KubeApi, NODE_TIMEOUT } from "../../programs/kube-api/kube-api.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import { nameOf } from "../facts/meshed-pods.ts";
import type { Pod } from "../facts/objects.ts";
import type { MeshProxy } from "../snapshot.ts";
import { TBOT_CLUSTER } from "./proxy-secrets.ts";

/** Logs that are read at most: each costs the API server a connection to a kubelet, and a fault of Teleport's is everybody's. */
const MOST_LOGS = 10;

/** How far back a proxy's log is read, in seconds: longer than Envoy's longest pause between two attempts (30 s). */
const LOG_SECONDS = 120;

/** Lines of it; of a pod that serves requests, most are its access log. */
const LINES = 2000;

/**
 * The proxies with why tbot ends the streams of those that have no certificate, no roots or no stream: one pod of each
 * service account in a namespace, since Teleport decides by these, and at most ten. tbot's own log says nothing of a
 * refused issuance.
 *
 * @param pods the pods of the proxies
 */
export async function withRefusals(
  api: KubeApi,
  pods: readonly Pod[],
  proxies: readonly MeshProxy[],
): Promise<MeshProxy[]> {
  const byName = new Map(pods.map((pod) => [nameOf(pod), pod]));
  const chosen = new Map<string, MeshProxy>();
  for (const proxy of proxies) {
    const account = byName.get(`${proxy.namespace}/${proxy.pod}`)?.spec.serviceAccountName ?? "default";
    const workload = `${proxy.namespace}/${account}`;
    if (lacksIdentity(proxy) && !chosen.has(workload) && chosen.size < MOST_LOGS) chosen.set(workload, proxy);
  }
  const read = new Set(chosen.values());
  return Promise.all(
    proxies.map(async (proxy) => (read.has(proxy) ? { ...proxy, refusal: await readRefusal(api, proxy) } : proxy)),
  );
}

function lacksIdentity({ secrets }: MeshProxy): boolean {
  if (!secrets.ok) return false;
  const { chain, roots, tbot } = secrets.value;
  return chain.length === 0 || roots.length === 0 || tbot?.streams === 0;
}

async function readRefusal(api: KubeApi, { namespace, pod }: MeshProxy): Promise<Read<string | undefined>> {
  const query = `container=${PROXY_CONTAINER}&sinceSeconds=${LOG_SECONDS}&tailLines=${LINES}`;
  const log = await api.text(`/api/v1/namespaces/${namespace}/pods/${pod}/log?${query}`, NODE_TIMEOUT);
  return log.ok ? { ok: true, value: refusalIn(log.value) } : log;
}

/**
 * How Envoy logs the end of a stream to tbot, status and message (Envoy source/extensions/config_subscription/grpc/grpc_stream.h):
 * `StreamSecrets gRPC config stream to sds-grpc closed: 2, fetching X509 SVIDs%0A%09…{via_upstream}`.
 */
const CLOSED = new RegExp(
  `StreamSecrets gRPC config stream(?: to ${TBOT_CLUSTER})? closed(?: since \\d+s ago)?: \\d+, (.*)`,
);

/** The last reason for which a stream to tbot ended, in one line, the cause last; `undefined` where the log has none. */
export function refusalIn(log: string): string | undefined {
  const line = log.split("\n").findLast((each) => CLOSED.test(each));
  const [, said = ""] = CLOSED.exec(line === undefined ? "" : messageOf(line)) ?? [];
  return asOneLine(said) || undefined;
}

/** Envoy's message in a line of Istio's log, which is JSON (`global.logAsJson`) or has the thread behind a tab. */
function messageOf(line: string): string {
  const entry = jsonIn(line);
  return isRecord(entry) ? textAt(entry, "msg") : line.replace(/\tthread=\d+$/, "");
}

/** Envoy leaves gRPC's escapes in the message, and puts what it knows of the stream behind it. */
function asOneLine(message: string): string {
  const own = message.replace(/ \(previously \d+, .* since \d+s ago\)$/, "").replace(/\{\w+\}$/, "");
  return own
    .replace(/(?:%[0-9A-F]{2})+/gi, (bytes) => Buffer.from(bytes.replaceAll("%", ""), "hex").toString())
    .split("\n")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .join(": ")
    .slice(0, 500);
}
