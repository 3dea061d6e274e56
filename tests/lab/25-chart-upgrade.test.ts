import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { shell, tryShell } from "./testkit/cluster/shell.ts";
import { complaintsOf, doctorReport } from "./testkit/doctor/doctor.ts";
import { requireInstalled, USER_DIR } from "./testkit/installation/installation.ts";
import { writePreviousChart } from "./testkit/installation/previous-chart.ts";
import { tbotRolledOut, upgrade } from "./testkit/installation/releases.ts";
import { changedUnderLoad, podStates, settled } from "./testkit/installation/under-load.ts";
import { exposeFailures, restoreTraffic } from "./testkit/traffic/load.ts";

const RELEASE = "istio-teleport -n teleport-system";

const folder = mkdtempSync(join(tmpdir(), "previous-chart-"));
let previous: string;

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
    await settled();
    const before = await manifest();
    expect(before).not.toBe(today);
    // The manifests differ, and so diff says.
    const preview = await tryShell(shellBlock("docs/operate/upgrade.md#preview"), { cwd: USER_DIR });
    expect(preview).toMatchObject({ code: 1, stderr: "", stdout: expect.stringMatching(/^[<>] /m) });
    const first = await podStates();
    expect(first.every((pod) => pod.endsWith("ready=true"))).toBe(true);

    const { failed, pods } = await changedUnderLoad([
      [
        "upgrade",
        async () => {
          await upgrade([]);
          expect(await manifest()).toBe(today);
        },
      ],
      [
        "rollback",
        async () => {
          await shell(shellBlock("docs/operate/upgrade.md#roll-back"));
          expect(await manifest()).toBe(before);
        },
      ],
      [
        "upgrade again",
        async () => {
          await upgrade([]);
          expect(await manifest()).toBe(today);
        },
      ],
    ]);
    expect(failed).toEqual([]);
    expect(pods).toEqual(first);
    expect(complaintsOf(await doctorReport())).toEqual([]);
  });
});
