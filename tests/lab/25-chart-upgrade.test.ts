import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { isReady, livePods } from "./testkit/cluster/pods.ts";
import { shell, tryShell } from "./testkit/cluster/shell.ts";
import { complaintsOf, doctorReport } from "./testkit/doctor/doctor.ts";
import { requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";
import { writePreviousChart } from "./testkit/installation/previous-chart.ts";
import { tbotRolledOut, upgrade } from "./testkit/installation/releases.ts";
import { exposeFailures, restoreTraffic, startLoad } from "./testkit/traffic/load.ts";

const NAMESPACE = "test-app";
const RELEASE = "istio-teleport -n teleport-system";
const RATE = 30;
/** After each step: sidecars get its configuration, and drain what it replaced (5 s in the lab). */
const SETTLE_MS = 12_000;

const folder = mkdtempSync(join(tmpdir(), "previous-chart-"));
let previous: string;

/** The pods of the test app: name, UID and whether each is Ready. */
async function pods(): Promise<string[]> {
  return (await livePods(NAMESPACE)).map((pod) => `${pod.metadata.name} ${pod.metadata.uid} ready=${isReady(pod)}`);
}

/** What the release is made of now, as Helm keeps it. */
const manifest = () => shell(`helm get manifest ${RELEASE}`);

beforeAll(async () => {
  await requireInstalled();
  previous = await writePreviousChart(folder);
  await upgrade([]);
  await exposeFailures();
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await restoreTraffic();
  await upgrade([]);
  await tbotRolledOut();
});

describe("the chart before this one", () => {
  it("is upgraded to this one and rolled back, while all pods stay Ready and no request fails", {
    timeout: 300_000,
  }, async () => {
    const today = await manifest();
    await shell(`helm upgrade istio-teleport '${previous}' -n teleport-system -f values.yaml`, { cwd: USER_DIR });
    await tbotRolledOut();
    const before = await manifest();
    expect(before).not.toBe(today);
    await sleep(SETTLE_MS);
    // The manifests differ, and so diff says.
    const preview = await tryShell(shellBlock("docs/operate/upgrade.md#preview"), { cwd: USER_DIR });
    expect(preview).toMatchObject({ code: 1, stderr: "", stdout: expect.stringMatching(/^[<>] /m) });
    const first = await pods();
    expect(first.every((pod) => pod.endsWith("ready=true"))).toBe(true);

    const load = await startLoad(RATE);
    const watch = new AbortController();
    const seen = watchPods(watch.signal);
    const counts: string[] = [];
    try {
      const steps: [string, () => Promise<unknown>, string][] = [
        ["upgrade", () => upgrade([]), today],
        ["rollback", () => shell(shellBlock("docs/operate/upgrade.md#roll-back")), before],
        ["upgrade again", () => upgrade([]), today],
      ];
      for (const [name, run, wanted] of steps) {
        const { requests, failed } = load.soFar();
        await run();
        await tbotRolledOut();
        expect(await manifest(), name).toBe(wanted);
        await sleep(SETTLE_MS);
        const after = load.soFar();
        counts.push(`${name}: ${after.failed.length - failed.length} of ${after.requests - requests} requests failed`);
      }
    } finally {
      watch.abort();
      const { failed } = await load.stop();
      process.stderr.write(`${counts.join("\n")}\n`);
      expect(failed).toEqual([]);
    }
    expect(await seen).toEqual(first.toSorted());
    expect(complaintsOf(await doctorReport())).toEqual([]);
  });
});

/** Every state of a pod that was seen until the signal, each once. */
async function watchPods(signal: AbortSignal): Promise<string[]> {
  const seen = new Set<string>();
  while (!signal.aborted) {
    for (const pod of await pods()) seen.add(pod);
    await sleep(500);
  }
  return [...seen].toSorted();
}
