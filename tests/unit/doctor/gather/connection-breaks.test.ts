import { expect, it } from "vitest";
import { makeFacts } from "../../../../tools/doctor/facts/make-facts.ts";
import { withConnectionBreaks } from "../../../../tools/doctor/gather/connection-breaks.ts";
import type { KubeApi } from "../../../../tools/programs/kube-api/kube-api.ts";
import { healthySnapshot } from "../healthy-snapshot.ts";

const CONNECTED = "Successfully initialized trust bundle cache";
const BROKEN = "Cache failed, will attempt to re-initialize after back off";

/**
 * As tbot writes them (Teleport lib/tbot/workloadidentity/{trust_bundle_cache,crl_cache}.go): a break that two caches notice,
 * an attempt that fails, and two connections.
 */
const LOG = `starting
{"timestamp":"2026-11-28T10:07:00.5Z","level":"error","message":"${BROKEN}","error":"watcher closed"}
{"timestamp":"2026-11-28T10:07:00.5Z","level":"error","message":"${BROKEN}","error":"receiving CRL stream data"}
{"timestamp":"2026-11-28T10:07:11Z","level":"error","message":"${BROKEN}","error":"establishing watcher"}
{"timestamp":"2026-11-28T10:07:21Z","level":"info","message":"${CONNECTED}"}
{"timestamp":"never","level":"info","message":"${CONNECTED}"}
{"timestamp":"2026-11-28T10:15:10Z","level":"info","message":"${CONNECTED}"}
`;
const FIRST = Date.parse("2026-11-28T10:07:21Z");
const SECOND = Date.parse("2026-11-28T10:15:10Z");

function api(paths: string[]): KubeApi {
  const text = async (path: string) => {
    paths.push(path);
    return { ok: true as const, value: LOG };
  };
  return { text } as unknown as KubeApi;
}

function later(minutes: number) {
  const snapshot = healthySnapshot();
  if (!snapshot.takenAt.ok) throw new Error("the recorded snapshot has a time");
  return { ...snapshot, readUntil: snapshot.takenAt.value + minutes * 60_000 };
}

/** Has tbot's containers started so many minutes after the recording; its certificates are a little older. */
function startTbot(snapshot: ReturnType<typeof later>, minutes: number) {
  if (!snapshot.pods.ok || !snapshot.takenAt.ok) throw new Error("the recorded snapshot has pods and a time");
  const startedAt = new Date(snapshot.takenAt.value + minutes * 60_000).toISOString();
  for (const { metadata, status } of snapshot.pods.value) {
    if (!snapshot.tbotPods.some(({ name }) => name === metadata.name)) continue;
    status.containerStatuses = [{ name: "tbot", state: { running: { startedAt } } }];
  }
}

it("reads no log while no certificate is late", async () => {
  const paths: string[] = [];
  const { tbotPods } = await withConnectionBreaks(api(paths), makeFacts(later(0)));
  expect(paths).toEqual([]);
  expect(tbotPods.every(({ connectionBreaks }) => connectionBreaks === undefined)).toBe(true);
});

it("reads the log of a node with a late certificate since it was issued, and counts each break once", async () => {
  const paths: string[] = [];
  const snapshot = later(60);
  const { tbotPods } = await withConnectionBreaks(api(paths), makeFacts(snapshot));
  expect(paths).toHaveLength(snapshot.tbotPods.length);
  const [, since = ""] = /sinceSeconds=(\d+)/.exec(paths[0] ?? "") ?? [];
  expect(Number(since)).toBeGreaterThanOrEqual(3600);
  expect(tbotPods[0]?.connectionBreaks).toEqual({ ok: true, value: [FIRST, SECOND] });
});

it.each([
  ["after the certificate was issued: its first connection is no break", 1, [SECOND]],
  ["before it: each is one", -120, [FIRST, SECOND]],
])("tbot started %s", async (_, minutes, value) => {
  const snapshot = later(60);
  startTbot(snapshot, minutes);
  const { tbotPods } = await withConnectionBreaks(api([]), makeFacts(snapshot));
  expect(tbotPods[0]?.connectionBreaks).toEqual({ ok: true, value });
});

it("reads none where tbot.yaml says no interval that can be read", async () => {
  const paths: string[] = [];
  await withConnectionBreaks(api(paths), makeFacts({ ...later(60), tbotConfig: { ok: true, value: "{" } }));
  expect(paths).toEqual([]);
});
