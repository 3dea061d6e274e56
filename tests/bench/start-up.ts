/**
 * `npm run bench:start`: what a command's start costs, in CPU seconds, beside bare Node in the same run. Each figure is
 * the least of several runs. `--check` exits 1 when gen-token from a file takes more than three times bare Node.
 *
 * Below, the seconds until commands with values are done: they wait for Helm, and gen-token for a kubectl that takes
 * half a second for each answer.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { parseArgs } from "node:util";
import { helmOnPath } from "../../scripts/pinned-helm.ts";
import { repositoryPath } from "../support/run-helm.ts";

const RUNS = 7;
const GOAL = 3;

const { values: flags } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const directory = mkdtempSync(join(tmpdir(), "bench-start-"));
try {
  const jwks = join(directory, "jwks.json");
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(
    jwks,
    JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "a", use: "sig", alg: "ES256" }] }),
  );
  const genToken = repositoryPath("bin/gen-token.js");
  const main = repositoryPath("bin/istio-teleport.js");
  const bare = cpuSeconds(["-e", "0"]);
  const fromFile = cpuSeconds([genToken, "--jwks-file", jwks]);
  report("node -e 0", bare, bare);
  report("gen-token --help", cpuSeconds([genToken, "--help"]), bare);
  report("gen-token --jwks-file", fromFile, bare);
  report("istio-teleport --help", cpuSeconds([main, "--help"]), bare);
  await helmOnPath();
  slowKubectl(jwks);
  const values = ["-f", repositoryPath("chart/ci/minimal-values.yaml")];
  reportSeconds("node -e 0", [process.execPath, "-e", "0"]);
  reportSeconds("kubectl get --raw", ["kubectl", "get", "--raw", "/openid/v1/jwks"]);
  reportSeconds("helm template", ["helm", "template", "x", repositoryPath("chart"), ...values]);
  reportSeconds("render istio -f", [process.execPath, main, "render", "istio", ...values]);
  reportSeconds("gen-token, live", [process.execPath, genToken, "--cluster-name", "a.example"]);
  reportSeconds("gen-token -f, live", [process.execPath, genToken, ...values]);
  if (flags.check && fromFile > GOAL * bare) {
    process.stderr.write(`gen-token --jwks-file takes more than ${GOAL} times the CPU of bare Node.\n`);
    process.exitCode = 1;
  }
} finally {
  rmSync(directory, { recursive: true });
}

function report(command: string, seconds: number, bare: number): void {
  process.stdout.write(`${command.padEnd(24)} ${seconds.toFixed(3)} s  ${(seconds / bare).toFixed(1)} x\n`);
}

/** Puts a kubectl first on PATH that answers each call after half a second. */
function slowKubectl(jwks: string): void {
  const file = join(directory, "kubectl");
  writeFileSync(file, `#!/bin/sh\nsleep 0.5\ncase "$*" in *jwks*) cat '${jwks}';; *) echo '{}';; esac\n`);
  chmodSync(file, 0o755);
  process.env.PATH = [directory, process.env.PATH].join(delimiter);
}

function reportSeconds(command: string, [program = "", ...args]: string[]): void {
  const runs = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    const { status, stderr } = spawnSync(program, args, { encoding: "utf8" });
    if (status !== 0) throw new Error(`${command} failed: ${stderr}`);
    return (performance.now() - start) / 1000;
  });
  process.stdout.write(`${command.padEnd(24)} ${Math.min(...runs).toFixed(2)} s until it is done\n`);
}

/** User and system time of Node with these arguments, as bash's `times` tells it. */
function cpuSeconds(args: string[]): number {
  const script = '"$@" >/dev/null 2>&1 || exit; times';
  const runs = Array.from({ length: RUNS }, () => {
    const printed = execFileSync("bash", ["-c", script, "bash", process.execPath, ...args], { encoding: "utf8" });
    // The second line is that of the children: 0m0.040s 0m0.012s.
    const children = printed.trim().split("\n")[1] ?? "";
    return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0);
  });
  return Math.min(...runs);
}
