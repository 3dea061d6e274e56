import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { repositoryPath } from "../../support/run-helm.ts";
import { fakeCluster } from "./fake-cluster.ts";

// As from a terminal: a real process, whose kubectl gets Ctrl-C, too.

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "ctrl-c-"));
});
afterEach(() => rm(directory, { recursive: true }));

/** A kubectl that logs its calls; `sleeps` is what it does not come back from. */
function script(sleeps: string): string {
  return `#!/bin/sh
echo "$*" >>'${directory}/calls'
case "$*" in
  *"proxy --unix-socket="*)
    for argument; do case $argument in --unix-socket=*) ln -s '${directory}/api' "\${argument#--unix-socket=}" ;; esac; done
    echo 'Starting to serve'
    exec sleep 600 ;;
  *jsonpath*) grep -o SelfSubjectAccessReview | sed 's/.*/true/' ;;
  *"config view"* | *"/version"*) echo '{}' ;;
  ${sleeps}) exec sleep 600 ;;
esac
`;
}

test.each([
  ["a client calls", '*" allowed-client "*', / allowed-client /, true],
  ["it waits for pods, and no program runs", "nothing", /proxy --unix-socket/, false],
])("while %s: the namespace is taken away, exit code 2", async (_, sleeps, until, ready) => {
  const cluster = await fakeCluster(directory, {
    snapshot: ({ pods }) => {
      if (ready || !pods.ok) return;
      for (const pod of pods.value) pod.status.conditions = [];
    },
  });
  const [bin, temporary] = [join(directory, "bin"), join(directory, "tmp")];
  await mkdir(bin);
  await mkdir(temporary);
  await writeFile(join(bin, "kubectl"), script(sleeps), { mode: 0o755 });
  const env = { ...process.env, TMPDIR: temporary, PATH: `${bin}${delimiter}${process.env.PATH}` };
  const args = ["--import", "tsx", repositoryPath("tools/cli.ts"), "test"];
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "pipe", "pipe"], detached: true });
  const said = { stdout: "", stderr: "" };
  child.stdout.on("data", (chunk: Buffer) => (said.stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => (said.stderr += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  const calls = () => readFile(join(directory, "calls"), "utf8");
  await vi.waitFor(async () => expect(await calls(), said.stderr).toMatch(until), { timeout: 60_000 });
  const looks = () => cluster.requests.filter((request) => /\/pods\?/.test(request)).length;
  if (!ready) await vi.waitFor(() => expect(looks()).toBeGreaterThan(1), { timeout: 60_000 });
  process.kill(-(child.pid as number), "SIGINT");
  expect(await ended, said.stderr).toBe(2);
  expect(said.stdout).toBe("");
  expect(said.stderr).toMatch(/Interrupted \(SIGINT\)/);
  const [, namespace] = /in the namespace (istio-teleport-test-[0-9a-f]{8})\n/.exec(said.stderr) ?? [];
  expect(
    (await calls())
      .trim()
      .split("\n")
      .slice(-2)
      .map((line) => line.replace(/--request-timeout=\S+ /, "")),
  ).toEqual([
    `delete namespace ${namespace} --ignore-not-found --wait=false`,
    `get namespace ${namespace} --ignore-not-found --output=name`,
  ]);
  expect((await readdir(temporary)).filter((name) => name.startsWith("istio-teleport-"))).toEqual([]);
  await cluster.close();
});
