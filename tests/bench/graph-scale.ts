/**
 * `npm run bench:graph`: what `helm template` costs for graphs of 10 to 3,000 services with 5 callers each. `--check`
 * exits 1 when the CPU time grows faster than the graph, or a called service has not exactly one policy. `--save` keeps the
 * result.
 */

import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { helmOnPath } from "../../scripts/pinned-helm.ts";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { CHART_DIR } from "../../tools/base/package-files.ts";
import { withTempDir } from "../../tools/programs/temp-dir.ts";
import { largeValues } from "./support/large-values.ts";
import { makeResult, point, printAndSave, type Result } from "./support/result.ts";

const SIZES = [10, 100, 1000, 3000];
const CALLERS = 5;
const RUNS = 5;
/** How much more CPU 3,000 services may take than 1,000. */
const GROWTH_LIMIT = 3.3;
const SAMPLE_MS = 2;
const TICKS_PER_SECOND = 100;
const MEGABYTE = 1024 * 1024;
/** What Helm writes above each document of the graph. */
const SOURCE = "# Source: istio-teleport/templates/graph/applications.yaml\n";

interface Measurement {
  services: number;
  /** Of each run, until it was done. */
  seconds: number[];
  /** CPU seconds of Helm, of each run. */
  cpu: number[];
  /** Peak resident memory of Helm in bytes, of each run. */
  memory: number[];
  /** The rendered graph: without tbot and whatever else the chart holds. */
  objects: number;
  bytes: number;
  /** ALLOW policies by name. */
  policies: string[];
}

async function measure(services: number): Promise<Measurement> {
  return withTempDir(async (dir) => {
    const file = join(dir, "values.yaml");
    await writeFile(file, JSON.stringify(largeValues(services, CALLERS)));
    const runs: Run[] = [];
    for (let run = 0; run < RUNS; run++) runs.push(await helmTemplate(file));
    if (new Set(runs.map(({ output }) => createHash("sha256").update(output).digest("hex"))).size > 1) {
      throw new ExitError(`Two runs of helm template with ${services} services did not print the same bytes.`);
    }
    const documents = (runs[0]?.output ?? "")
      .split(/^---\n/m)
      .filter((document) => document.startsWith(SOURCE))
      .map((document) => document.slice(SOURCE.length));
    return {
      services,
      seconds: runs.map(({ seconds }) => seconds),
      cpu: runs.map(({ cpu }) => cpu),
      memory: runs.map(({ memory }) => memory),
      objects: documents.length,
      bytes: documents.reduce((sum, document) => sum + Buffer.byteLength(document), 0),
      policies: documents.flatMap((document) => /^ {2}name: (allow-.*)$/m.exec(document)?.[1] ?? []),
    };
  });
}

interface Run {
  seconds: number;
  cpu: number;
  memory: number;
  output: string;
}

async function helmTemplate(file: string): Promise<Run> {
  const start = performance.now();
  const helm = spawn("helm", ["template", "bench", CHART_DIR, "--kube-version", "1.33.0", "--values", file]);
  let memory = 0;
  let cpu = 0;
  const sampler = setInterval(async () => {
    // The kernel keeps the peak and the sum itself, so that the last sample has them.
    const [status, stat] = await Promise.all(
      ["status", "stat"].map((file) => readFile(`/proc/${helm.pid}/${file}`, "utf8").catch(() => "")),
    );
    memory = Math.max(memory, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status ?? "")?.[1] ?? 0) * 1024);
    const [, , , , , , , , , , , user = 0, system = 0] = stat?.split(") ")[1]?.split(" ") ?? [];
    cpu = Math.max(cpu, (Number(user) + Number(system)) / TICKS_PER_SECOND);
  }, SAMPLE_MS);
  const exit = new Promise<number | null>((resolve, reject) => helm.on("error", reject).on("close", resolve));
  try {
    const [output, errors, code] = await Promise.all([text(helm.stdout), text(helm.stderr), exit]);
    if (code !== 0) throw new ExitError(`helm template failed: ${errors.trim()}`);
    return { seconds: (performance.now() - start) / 1000, cpu, memory, output };
  } finally {
    clearInterval(sampler);
  }
}

/** Why the measurements are not good enough; one sentence each. */
function* shortcomings(measurements: readonly Measurement[]): Generator<string> {
  for (const { services, policies } of measurements) {
    if (policies.length !== services || new Set(policies).size !== services) {
      yield `${services} services have ${policies.length} policies, ${new Set(policies).size} by name: there must be one for each.`;
    }
  }
  // The least is that of the run that other programs disturbed least.
  const fastest = new Map(measurements.map(({ services, cpu }) => [services, Math.min(...cpu)]));
  const growth = (fastest.get(3000) ?? Number.NaN) / (fastest.get(1000) ?? Number.NaN);
  if (!(growth <= GROWTH_LIMIT)) {
    yield `3,000 services take ${growth.toFixed(2)} times the CPU of 1,000: it may be ${GROWTH_LIMIT} times.`;
  }
}

function result(measurements: readonly Measurement[]): Result {
  const series = (name: string, unit: string, of: (one: Measurement) => readonly number[]) => ({
    name,
    unit,
    points: measurements.map((one) => point(one.services, of(one))),
  });
  return makeResult({
    bench: "graph-scale",
    title: "helm template of a graph",
    command: "npm run bench:graph",
    x: `services, ${CALLERS} callers each`,
    series: [
      series("CPU of Helm", "s", ({ cpu }) => cpu),
      series("until it is done", "s", ({ seconds }) => seconds),
      series("peak memory of Helm", "MiB", ({ memory }) => memory.map((bytes) => bytes / MEGABYTE)),
      series("objects", "", ({ objects }) => [objects]),
      series("ALLOW policies", "", ({ policies }) => [policies.length]),
      series("bytes", "", ({ bytes }) => [bytes]),
      series("bytes a service", "", ({ services, bytes }) => [Math.round(bytes / services)]),
    ],
    notes: ["Objects and bytes are those of the graph, without tbot and what else the chart has."],
  });
}

try {
  const { values: flags } = parseArgs({ options: { check: { type: "boolean" }, save: { type: "boolean" } } });
  await helmOnPath();
  const measurements: Measurement[] = [];
  for (const services of SIZES) measurements.push(await measure(services));
  await printAndSave(result(measurements));
  const problems = [...shortcomings(measurements)];
  if (flags.check === true && problems.length > 0) throw new ExitError(problems.join("\n"));
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = error instanceof ExitError ? error.code : EXIT.internal;
}
