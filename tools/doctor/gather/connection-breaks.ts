import { X509Certificate } from "node:crypto";
import { type KubeApi, NODE_TIMEOUT } from "../../programs/kube-api/kube-api.ts";
import { issuedAt } from "../facts/certificates.ts";
import { CouldNotLook, tbotDaemonSet, tbotSettings } from "../facts/facts.ts";
import { nameOf, nodeOf } from "../facts/meshed-pods.ts";
import { isLate } from "../facts/renewal.ts";
import type { MeshProxy, Snapshot, TbotPod } from "../snapshot.ts";

/** What tbot says each time its connection to Teleport broke (Teleport lib/tbot/workloadidentity/trust_bundle_cache.go). */
const BROKEN = "Cache failed, will attempt to re-initialize after back off";

/** Lines of the log that are read; an hour of a healthy tbot has some hundred. */
const LINES = 5000;

/**
 * The snapshot with when tbot's connection to Teleport broke, for each node on which a certificate is late: since the oldest
 * of these was issued. The logs of other nodes are not read, for each costs the API server a connection to a kubelet.
 */
export async function withConnectionBreaks(api: KubeApi, snapshot: Snapshot): Promise<Snapshot> {
  const oldest = oldestLate(snapshot);
  const tbotPods = snapshot.tbotPods.map(async (tbot): Promise<TbotPod> => {
    const late = oldest.get(tbot.node);
    if (late === undefined) return tbot;
    const since = Math.ceil((lookedAt(snapshot) - late) / 1000);
    const { namespace } = tbotDaemonSet(snapshot).metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${tbot.name}/log?container=tbot&sinceSeconds=${since}&tailLines=${LINES}`;
    const log = await api.text(path, NODE_TIMEOUT);
    return { ...tbot, connectionBreaks: log.ok ? { ok: true, value: breaksIn(log.value) } : log };
  });
  return { ...snapshot, tbotPods: await Promise.all(tbotPods) };
}

/** Nodes with a late certificate → when the oldest such was issued. */
function oldestLate(snapshot: Snapshot): Map<string, number> {
  const oldest = new Map<string, number>();
  if (!snapshot.pods.ok || !snapshot.tbotConfig.ok) return oldest;
  const nodes = new Map(snapshot.pods.value.map((pod) => [nameOf(pod), nodeOf(pod)]));
  const interval = renewalInterval(snapshot);
  for (const proxy of snapshot.proxies) {
    const node = nodes.get(`${proxy.namespace}/${proxy.pod}`);
    for (const at of issued(proxy)) {
      if (node !== undefined && isLate(at, lookedAt(snapshot), interval)) {
        oldest.set(node, Math.min(at, oldest.get(node) ?? at));
      }
    }
  }
  return oldest;
}

function lookedAt({ readUntil, takenAt }: Snapshot): number {
  return readUntil ?? (takenAt.ok ? takenAt.value : 0);
}

/** Without a readable tbot.yaml, of which tbot-config tells, nothing is late. */
function renewalInterval(snapshot: Snapshot): number {
  try {
    return tbotSettings(snapshot).renewalInterval ?? Number.POSITIVE_INFINITY;
  } catch (error) {
    if (error instanceof CouldNotLook) return Number.POSITIVE_INFINITY;
    throw error;
  }
}

function issued({ secrets }: MeshProxy): number[] {
  const leaf = secrets.ok ? secrets.value.chain[0] : undefined;
  try {
    return leaf === undefined ? [] : [issuedAt(new X509Certificate(leaf))];
  } catch {
    // proxy-certificate reports it.
    return [];
  }
}

/** The times at which tbot's log has a broken connection, milliseconds since 1970; other lines are left out. */
function breaksIn(log: string): number[] {
  return log.split("\n").flatMap((line) => {
    try {
      const { message, timestamp } = JSON.parse(line) as Record<string, unknown>;
      const at = Date.parse(String(timestamp));
      return message === BROKEN && !Number.isNaN(at) ? [at] : [];
    } catch {
      return [];
    }
  });
}
