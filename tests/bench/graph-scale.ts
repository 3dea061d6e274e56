/**
 * `npm run bench`: what `helm template` costs for graphs of 10 to 3,000 services with 5 callers each, as a Markdown
 * table. `--check` exits 1 when the time grows faster than the graph, or a called service has not exactly one policy.
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
import type { Service } from "../../tools/values/types.ts";

const SIZES = [10, 100, 1000, 3000];
const CALLERS = 5;
/** The fastest of several runs is the one that other programs disturbed least. */
const RUNS = 5;
/** How much longer 3,000 services may take than 1,000. */
const GROWTH_LIMIT = 3.3;
const SAMPLE_MS = 2;
const MEGABYTE = 1024 * 1024;
/** What Helm writes above each document of the graph. */
const SOURCE = "# Source: istio-teleport/templates/graph/applications.yaml\n";

interface Measurement {
  services: number;
  seconds: number;
  /** Peak resident memory of Helm in bytes. */
  memory: number;
  /** The rendered graph: without tbot and whatever else the chart holds. */
  objects: number;
  bytes: number;
  /** ALLOW policies by name. */
  policies: string[];
}

/** A graph in which each service is called by the same number of others, far and near. */
function graph(services: number): object {
  const entries = Array.from({ length: services }, (_, index): [string, Service] => {
    const name = `service-${index}`;
    const callers = Array.from({ length: CALLERS }, (_, step) => ({
      service: `service-${(index + 1 + step * Math.ceil(services / 7)) % services}`,
    }));
    // A label that all have in common, as charts set it.
    const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "scale" };
    return [name, { labels, serviceAccount: name, ports: [{ port: 80, targetPort: 8080, protocol: "HTTP" }], callers }];
  });
  return {
    global: { teleport: { clusterName: "example.teleport.sh", proxyAddr: "example.teleport.sh:443" } },
    mesh: { applications: { scale: { namespace: "scale", services: Object.fromEntries(entries) } } },
  };
}

async function measure(services: number): Promise<Measurement> {
  return withTempDir(async (dir) => {
    const file = join(dir, "values.yaml");
    await writeFile(file, JSON.stringify(graph(services)));
    const runs: Run[] = [];
    for (let run = 0; run < RUNS; run++) runs.push(await helmTemplate(file));
    const fastest = runs.reduce((best, run) => (run.seconds < best.seconds ? run : best));
    if (new Set(runs.map(({ output }) => createHash("sha256").update(output).digest("hex"))).size > 1) {
      throw new ExitError(`Two runs of helm template with ${services} services did not print the same bytes.`);
    }
    const documents = fastest.output
      .split(/^---\n/m)
      .filter((document) => document.startsWith(SOURCE))
      .map((document) => document.slice(SOURCE.length));
    return {
      services,
      seconds: fastest.seconds,
      memory: Math.max(...runs.map(({ memory }) => memory)),
      objects: documents.length,
      bytes: documents.reduce((sum, document) => sum + Buffer.byteLength(document), 0),
      policies: documents.flatMap((document) => /^ {2}name: (allow-.*)$/m.exec(document)?.[1] ?? []),
    };
  });
}

interface Run {
  seconds: number;
  memory: number;
  output: string;
}

async function helmTemplate(file: string): Promise<Run> {
  const start = performance.now();
  const helm = spawn("helm", ["template", "bench", CHART_DIR, "--kube-version", "1.33.0", "--values", file]);
  let memory = 0;
  const sampler = setInterval(async () => {
    // The kernel keeps the peak itself, so that the last sample has it.
    const status = await readFile(`/proc/${helm.pid}/status`, "utf8").catch(() => "");
    memory = Math.max(memory, Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024);
  }, SAMPLE_MS);
  const exit = new Promise<number | null>((resolve, reject) => helm.on("error", reject).on("close", resolve));
  try {
    const [output, errors, code] = await Promise.all([text(helm.stdout), text(helm.stderr), exit]);
    if (code !== 0) throw new ExitError(`helm template failed: ${errors.trim()}`);
    return { seconds: (performance.now() - start) / 1000, memory, output };
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
  const seconds = new Map(measurements.map((measurement) => [measurement.services, measurement.seconds]));
  const growth = (seconds.get(3000) ?? Number.NaN) / (seconds.get(1000) ?? Number.NaN);
  if (!(growth <= GROWTH_LIMIT)) {
    yield `3,000 services take ${growth.toFixed(2)} times as long as 1,000: it may be ${GROWTH_LIMIT} times.`;
  }
}

function markdown(measurements: readonly Measurement[]): string {
  const rows = measurements.map(({ services, seconds, memory, objects, bytes, policies }) =>
    [
      services.toLocaleString("en-US"),
      `${seconds.toFixed(2)} s`,
      memory === 0 ? "not measured" : `${Math.round(memory / MEGABYTE)} MiB`,
      objects.toLocaleString("en-US"),
      policies.length.toLocaleString("en-US"),
      bytes.toLocaleString("en-US"),
      Math.round(bytes / services).toLocaleString("en-US"),
    ].join(" | "),
  );
  return `| Services, ${CALLERS} callers each | Time | Peak memory | Objects | ALLOW policies | Bytes | Bytes a service |
| --: | --: | --: | --: | --: | --: | --: |
${rows.map((row) => `| ${row} |`).join("\n")}
`;
}

try {
  const { values: flags } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  await helmOnPath();
  const measurements: Measurement[] = [];
  for (const services of SIZES) measurements.push(await measure(services));
  process.stdout.write(markdown(measurements));
  const problems = [...shortcomings(measurements)];
  if (flags.check && problems.length > 0) throw new ExitError(problems.join("\n"));
} catch (error) {
  process.stderr.write(`bench: ${(error as Error).message}\n`);
  process.exitCode = error instanceof ExitError ? error.code : EXIT.internal;
}
