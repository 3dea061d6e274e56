import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { exclusively } from "../../../../lab/machine/exclusive.ts";
import { type LabPaths, labPaths } from "../../../../lab/machine/paths.ts";
import {
  logFile,
  processStartTime,
  runningProcess,
  startProcess,
  stopProcess,
} from "../../../../lab/machine/processes.ts";
import { ExitError } from "../../../../tools/base/exit-error.ts";

let paths: LabPaths;
beforeEach(() => {
  paths = labPaths({ LAB_CACHE_DIR: mkdtempSync(join(tmpdir(), "lab-processes-")) });
});
afterEach(() => rmSync(paths.root, { recursive: true }));

describe("recorded processes", () => {
  it("are found while they run, with the fingerprint they were started from, and not after", async () => {
    startProcess(paths, "sleeper", ["sleep", "60"], "fingerprint");
    expect(runningProcess(paths, "sleeper")?.fingerprint).toBe("fingerprint");
    await stopProcess(paths, "sleeper", "SIGTERM", 5000);
    expect(runningProcess(paths, "sleeper")).toBeUndefined();
  });

  it("are killed when they ignore the signal", async () => {
    const { pid } = startProcess(paths, "stubborn", ["sh", "-c", "trap '' TERM; echo ready; sleep 60"], "");
    await expect.poll(() => readFileSync(logFile(paths, "stubborn"), "utf8")).toBe("ready\n");
    await stopProcess(paths, "stubborn", "SIGTERM", 200);
    expect(processStartTime(pid)).toBeUndefined();
  });

  it("are not confused with another process that got the same pid", async () => {
    const record = startProcess(paths, "reused", ["sleep", "60"], "");
    const file = join(paths.run, "reused.json");
    writeFileSync(file, JSON.stringify({ ...record, startTime: "1" }));
    expect(runningProcess(paths, "reused")).toBeUndefined();
    await stopProcess(paths, "reused", "SIGKILL", 0);
    expect(processStartTime(record.pid)).toBe(record.startTime);
    writeFileSync(file, JSON.stringify(record));
    await stopProcess(paths, "reused", "SIGKILL", 1000);
    expect(processStartTime(record.pid)).toBeUndefined();
  });

  it("that end at once are reported with the end of their log", () => {
    const start = () => startProcess(paths, "missing", [join(paths.root, "no-such-program")], "");
    expect(start).toThrow(ExitError);
    expect(start).toThrow("missing ended at once");
  });
});

describe("exclusively", () => {
  it("refuses a second command while the first is at work, naming it", async () => {
    const second = exclusively(paths, () => exclusively(paths, async () => {}));
    await expect(second).rejects.toThrow(ExitError);
    await expect(exclusively(paths, () => exclusively(paths, async () => {}))).rejects.toThrow(`pid ${process.pid}`);
  });

  it("takes over from a command that is gone, and leaves no lock behind", async () => {
    writeFileSync(join(paths.root, "lock"), `${process.pid} 1`);
    await expect(exclusively(paths, async () => "done")).resolves.toBe("done");
    await expect(exclusively(paths, async () => "again")).resolves.toBe("again");
  });
});
