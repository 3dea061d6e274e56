import { spawn, spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { repositoryPath } from "../../support/run-helm.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "hang-up-"));
});
afterEach(() => rm(directory, { recursive: true }));

test.each(["SIGINT", "SIGTERM"] as const)("a second %s ends a program that ignores the first", async (signal) => {
  const bin = join(directory, "bin");
  const ready = join(directory, "ready");
  await mkdir(bin);
  const helm = `#!/bin/sh\ntrap 'echo again >>"${ready}"' INT TERM\necho once >'${ready}'\nwhile :; do sleep 0.1; done\n`;
  await writeFile(join(bin, "helm"), helm, { mode: 0o755 });
  const values = repositoryPath("chart/ci/minimal-values.yaml");
  const args = ["--import", "tsx", repositoryPath("tools/cli.ts"), "render", "manifests", "-f", values];
  const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };
  // As from a terminal, Ctrl-C reaches the whole process group.
  const child = spawn(process.execPath, args, { env, stdio: "ignore", detached: true });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const said = (words: string) =>
    vi.waitFor(async () => expect(await readFile(ready, "utf8")).toContain(words), { timeout: 60_000 });
  await said("once");
  process.kill(-(child.pid as number), signal);
  await said("again");
  // At once it would be npm's copy of the first.
  process.kill(-(child.pid as number), signal);
  await new Promise((resolve) => setTimeout(resolve, 1_200));
  expect(child.exitCode).toBeNull();
  process.kill(-(child.pid as number), signal);
  expect(await ended).toBe(2);
});

test.each(["SIGHUP", "SIGTERM"] as const)("%s leaves no program and no temporary files", async (signal) => {
  const [bin, temporary, pidFile] = [join(directory, "bin"), join(directory, "tmp"), join(directory, "pid")];
  await mkdir(bin);
  await mkdir(temporary);
  // A wrapper, below which the real one runs.
  await writeFile(join(bin, "helm"), `#!/bin/sh\nsleep 600 &\necho $! >'${pidFile}'\nwait\n`, { mode: 0o755 });
  const values = repositoryPath("chart/ci/minimal-values.yaml");
  const args = ["--import", "tsx", repositoryPath("tools/cli.ts"), "render", "manifests", "-f", values];
  const env = { ...process.env, TMPDIR: temporary, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const own = async () => (await readdir(temporary)).filter((name) => name.startsWith("istio-teleport-"));
  await vi.waitFor(async () => expect(await readFile(pidFile, "utf8")).toMatch(/\n/), { timeout: 60_000 });
  expect(await own()).not.toEqual([]);
  child.kill(signal);
  expect(await ended, stderr).toBe(2);
  expect(stderr).toContain(`Interrupted (${signal}) while helm ran`);
  expect(await own()).toEqual([]);
  const pid = (await readFile(pidFile, "utf8")).trim();
  const state = () => spawnSync("ps", ["-o", "stat=", "-p", pid], { encoding: "utf8" }).stdout.trim();
  await vi.waitFor(() => expect(state()).toMatch(/^(Z.*)?$/), { timeout: 60_000 });
});
