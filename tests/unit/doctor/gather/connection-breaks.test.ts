import { expect, it } from "vitest";
import { makeFacts } from "../../../../tools/doctor/facts/make-facts.ts";
import { withConnectionBreaks } from "../../../../tools/doctor/gather/connection-breaks.ts";
import type { KubeApi } from "../../../../tools/programs/kube-api/kube-api.ts";
import { healthySnapshot } from "../healthy-snapshot.ts";

/** As tbot writes them (Teleport lib/tbot/workloadidentity/trust_bundle_cache.go). */
const LOG = `starting
{"timestamp":"2026-11-28T10:00:00Z","level":"info","message":"Successfully initialized trust bundle cache"}
{"timestamp":"2026-11-28T10:07:00.5Z","level":"error","message":"Cache failed, will attempt to re-initialize after back off","error":"watcher closed"}
{"timestamp":"never","level":"error","message":"Cache failed, will attempt to re-initialize after back off"}
{"timestamp":"2026-11-28T10:15:00Z","level":"error","message":"Cache failed, will attempt to re-initialize after back off"}
`;

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

it("reads no log while no certificate is late", async () => {
  const paths: string[] = [];
  const { tbotPods } = await withConnectionBreaks(api(paths), makeFacts(later(0)));
  expect(paths).toEqual([]);
  expect(tbotPods.every(({ connectionBreaks }) => connectionBreaks === undefined)).toBe(true);
});

it("reads the log of a node with a late certificate since it was issued, and takes the times of breaks", async () => {
  const paths: string[] = [];
  const snapshot = later(60);
  const { tbotPods } = await withConnectionBreaks(api(paths), makeFacts(snapshot));
  expect(paths).toHaveLength(snapshot.tbotPods.length);
  const [, since = ""] = /sinceSeconds=(\d+)/.exec(paths[0] ?? "") ?? [];
  expect(Number(since)).toBeGreaterThanOrEqual(3600);
  expect(tbotPods[0]?.connectionBreaks).toEqual({
    ok: true,
    value: [Date.parse("2026-11-28T10:07:00.5Z"), Date.parse("2026-11-28T10:15:00Z")],
  });
});

it("reads none where tbot.yaml says no interval that can be read", async () => {
  const paths: string[] = [];
  await withConnectionBreaks(api(paths), makeFacts({ ...later(60), tbotConfig: { ok: true, value: "{" } }));
  expect(paths).toEqual([]);
});
