import { type ChildProcess, spawnSync } from "node:child_process";
import { EventEmitter } from "node:events";
import fs from "node:fs";
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { PassThrough } from "node:stream";
import { pathToFileURL } from "node:url";
import yaml from "yaml";
import { pinnedHelm } from "../../../tools/programs/pinned-helm.ts";
import { type FakeState, fakeProgram } from "./fake-program.ts";

/** helm, kubectl and tctl that are first on the PATH and share one state, as a cluster and Teleport do. */
export interface FakePrograms {
  change(edit: (state: FakeState) => void): Promise<void>;
  state(): Promise<FakeState>;
  /**
   * The calls so far that change something, each as "program arguments", with what they read after a line break. Each
   * of helm and kubectl must name a context; the kubeconfig's own is left out here.
   */
  changes(): Promise<string[]>;
  forgetCalls(): Promise<void>;
  /**
   * In place of `spawn`: the same fakes within this process, since starting a program for each of hundreds of calls
   * takes minutes.
   */
  spawn(program: string, args: readonly string[]): ChildProcess;
  remove(): Promise<void>;
}

function withoutContext(call: string): string {
  if (call.startsWith("tctl ")) return call;
  if (!/ --(kube-)?context=/.test(call)) throw new Error(`does not name the cluster: ${call}`);
  return call.replace(/ --(kube-)?context=kind(?=\s|$)/, "");
}

/** @param cache a file for what Helm rendered; the values files must not change while it is used */
export async function fakePrograms(state: FakeState, cache: string): Promise<FakePrograms> {
  const directory = await mkdtemp(join(tmpdir(), "fake-programs-"));
  const bin = join(directory, "bin");
  await mkdir(bin);
  const yamlModule = pathToFileURL(createRequire(import.meta.url).resolve("yaml")).href;
  const realHelm = (await pinnedHelm()) ?? "helm";
  const program = join(directory, "program.mjs");
  // Its text, because Node 20 runs no TypeScript and the fake must be a program of its own here.
  await writeFile(
    program,
    `import fs from "node:fs";
import { spawnSync } from "node:child_process";
import yaml from ${JSON.stringify(yamlModule)};
const [, , program, ...args] = process.argv;
const call = { program, args, input: () => fs.readFileSync(0, "utf8") };
const result = (${fakeProgram.toString()})({ fs, spawnSync, yaml }, ${JSON.stringify({ directory, cache, realHelm })}, call);
process.stdout.write(result.stdout);
process.stderr.write(result.stderr);
process.exitCode = result.code;
`,
  );
  for (const name of ["helm", "kubectl", "tctl"]) {
    const file = join(bin, name);
    await writeFile(file, `#!/bin/sh\nexec '${process.execPath}' '${program}' ${name} "$@"\n`);
    await chmod(file, 0o755);
  }
  const path = process.env.PATH;
  process.env.PATH = `${bin}${delimiter}${path}`;
  const file = join(directory, "state.json");
  const read = async () => JSON.parse(await readFile(file, "utf8")) as FakeState;
  const write = (next: FakeState) => writeFile(file, JSON.stringify(next));
  const calls = join(directory, "calls");
  await write(state);
  await writeFile(calls, "");
  return {
    state: read,
    async change(edit) {
      const next = await read();
      edit(next);
      await write(next);
    },
    async changes() {
      const lines = (await readFile(calls, "utf8")).split("\n").filter((line) => line !== "");
      return lines.map((line) => withoutContext(JSON.parse(line) as string));
    },
    forgetCalls: () => writeFile(calls, ""),
    spawn(name, args) {
      const streams = { stdout: new PassThrough(), stderr: new PassThrough(), stdin: new PassThrough() };
      const child = Object.assign(new EventEmitter(), streams, { kill: () => true });
      const chunks: Buffer[] = [];
      streams.stdin.on("data", (chunk: Buffer) => chunks.push(chunk));
      setImmediate(() => {
        const call = { program: name, args: [...args], input: () => Buffer.concat(chunks).toString() };
        const { code, killed, stdout, stderr } = fakeProgram(
          { fs, spawnSync, yaml },
          { directory, cache, realHelm },
          call,
        );
        streams.stdout.end(stdout);
        streams.stderr.end(stderr);
        setImmediate(() => child.emit("close", killed ? null : code, killed ? "SIGKILL" : null));
      });
      return child as unknown as ChildProcess;
    },
    async remove() {
      process.env.PATH = path;
      await rm(directory, { recursive: true });
    },
  };
}
