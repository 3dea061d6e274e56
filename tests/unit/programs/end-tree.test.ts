import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { expect, test, vi } from "vitest";
import { endTree } from "../../../tools/programs/end-tree.ts";

let isLinux = true;
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  const readdir = (path: string) => (isLinux ? real.readdir(path) : Promise.reject(new Error("no /proc")));
  return { ...real, readdir };
});

const stateOf = (pid: number) => spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" }).stdout;

/** A shell below a shell, whose last one ignores SIGTERM; and the process IDs of all three. */
async function tree(): Promise<{ child: ChildProcess; pids: number[] }> {
  const inner = "trap '' TERM; echo $$; while :; do sleep 1; done";
  const script = `echo $$; sh -c 'echo $$; sh -c "$0"; :' "$0"; :`;
  const child = spawn("sh", ["-c", script, inner], { stdio: ["ignore", "pipe", "ignore"] });
  let printed = "";
  child.stdout?.on("data", (chunk: Buffer) => {
    printed += chunk.toString();
  });
  await vi.waitFor(() => expect(printed.trim().split("\n")).toHaveLength(3), { timeout: 60_000 });
  return { child, pids: printed.trim().split("\n").map(Number) };
}

test.each([
  ["/proc", true],
  ["ps, where there is no /proc", false],
])("all that a process started ends with it, also what ignores SIGTERM, as %s tells", async (_, linux) => {
  isLinux = linux;
  const { child, pids } = await tree();
  expect(child.pid).toBe(pids[0]);
  expect(pids.map((pid) => stateOf(pid)[0])).not.toContain(undefined);
  await endTree(pids[0] as number);
  for (const pid of pids) {
    await vi.waitFor(() => expect(stateOf(pid).trim()).toMatch(/^(Z.*)?$/), { timeout: 60_000 });
  }
});
