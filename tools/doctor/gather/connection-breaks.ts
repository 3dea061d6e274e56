import { groupBy } from "../../base/group-by.ts";
import { isRecord, jsonIn, textAt } from "../../base/json-value.ts";
import { type KubeApi, NODE_TIMEOUT } from "../../programs/kube-api/kube-api.ts";
import { known, tbotDaemonSet } from "../facts/facts.ts";
import type { Facts } from "../facts/make-facts.ts";
import { nodeOf } from "../facts/meshed-pods.ts";
import { isLate } from "../facts/renewal.ts";
import type { TbotPod } from "../snapshot.ts";

/**
 * What tbot says when it has connected to Teleport, first at its start and then after each break
 * (Teleport lib/tbot/workloadidentity/trust_bundle_cache.go). It is then that every renewal timer starts anew. The line of
 * the break itself does not count: another cache says the same words, and each failed attempt repeats them.
 */
const CONNECTED = "Successfully initialized trust bundle cache";

/** Lines of the log that are read; an hour of a healthy tbot has some hundred. */
const LINES = 5000;

/**
 * Adds to the facts when tbot connected to Teleport again after a break, for each node with a late certificate, since the
 * oldest of these was issued. The logs of other nodes are not read: each costs the API server a connection to a kubelet.
 */
export async function withConnectionBreaks(api: KubeApi, facts: Facts): Promise<Facts> {
  const oldest = oldestLate(facts);
  const tbotPods = facts.tbotPods.map(async (tbot): Promise<TbotPod> => {
    const late = oldest.get(tbot.node);
    if (late === undefined) return tbot;
    const since = Math.ceil((lookedAt(facts) - late) / 1000);
    const { namespace } = tbotDaemonSet(facts).metadata;
    const path = `/api/v1/namespaces/${namespace}/pods/${tbot.name}/log?container=tbot&sinceSeconds=${since}&tailLines=${LINES}`;
    const log = await api.text(path, NODE_TIMEOUT);
    if (!log.ok) return { ...tbot, connectionBreaks: log };
    const connected = connectionsIn(log.value);
    const value = startOf(facts, tbot) > late ? connected.slice(1) : connected;
    return { ...tbot, connectionBreaks: { ok: true, value } };
  });
  return { ...facts, tbotPods: await Promise.all(tbotPods) };
}

/** Nodes with a late certificate → when the oldest such was issued. */
function oldestLate(facts: Facts): Map<string, number> {
  try {
    const { renewalInterval = Number.POSITIVE_INFINITY } = facts.tbotSettings();
    const late = facts.certifiedPods().filter(({ issuedAt }) => isLate(issuedAt, lookedAt(facts), renewalInterval));
    const byNode = groupBy(late, ({ pod }) => nodeOf(pod));
    return new Map([...byNode].map(([node, own]) => [node, Math.min(...own.map(({ issuedAt }) => issuedAt))]));
  } catch {
    // The checks of tbot.yaml and of certificates say why.
    return new Map();
  }
}

function lookedAt({ readUntil, takenAt }: Facts): number {
  return readUntil ?? known(takenAt);
}

/** When tbot's container started, milliseconds since 1970; -Infinity where its status does not say. */
function startOf(facts: Facts, { name }: TbotPod): number {
  const { namespace } = tbotDaemonSet(facts).metadata;
  const pod = known(facts.pods).find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  const status = pod?.status.containerStatuses?.find((container) => container.name === "tbot");
  const started = Date.parse(status?.state?.running?.startedAt ?? "");
  return Number.isNaN(started) ? Number.NEGATIVE_INFINITY : started;
}

/** The times at which tbot connected to Teleport, by its log, milliseconds since 1970; other lines are left out. */
function connectionsIn(log: string): number[] {
  return log.split("\n").flatMap((line) => {
    const entry = jsonIn(line);
    if (!isRecord(entry) || entry.message !== CONNECTED) return [];
    const at = Date.parse(textAt(entry, "timestamp"));
    return Number.isNaN(at) ? [] : [at];
  });
}
