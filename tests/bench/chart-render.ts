/**
 * `npm run bench:render`: what `helm template` makes of our chart, and of SPIRE's umbrella chart for the same job, in
 * the same run. `SPIRE_CHARTS` names a clone of github.com/spiffe/helm-charts-hardened, whose HEAD is taken; without it
 * SPIRE's rows are left out. `--save` keeps the result.
 */
import { execFileSync } from "node:child_process";
import { cp, mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { helmOnPath } from "../../scripts/pinned-helm.ts";
import { CHART_DIR } from "../../tools/base/package-files.ts";
import { withTempDir } from "../../tools/programs/temp-dir.ts";
import { repositoryPath, runHelm } from "../support/run-helm.ts";
import { makeResult, median, point, printAndSave } from "./support/result.ts";
import { type Cost, interleaved } from "./support/timed-run.ts";

const ROUNDS = 9;
const scenario = (name: string) => ["--values", repositoryPath(`chart/ci/${name}-values.yaml`)];

/** Arguments of `helm template`, by what they render. */
type Charts = Record<string, readonly string[]>;

const OURS: Charts = {
  "istio-teleport: tbot, CSI driver, Istio's policies": [
    "bench",
    CHART_DIR,
    ...scenario("csi"),
    "--set=testApp.enabled=false",
  ],
  "istio-teleport: tbot, hostPath, Istio's policies": ["bench", CHART_DIR, ...scenario("minimal")],
};

/** SPIRE's chart with what its own dependencies on neighbours in the repository would fetch. */
async function spireCharts(repository: string, dir: string): Promise<Charts> {
  const archive = execFileSync("git", ["-C", repository, "archive", "HEAD", "charts"], { maxBuffer: 2 ** 28 });
  await mkdir(dir, { recursive: true });
  execFileSync("tar", ["-x", "-C", dir], { input: archive });
  const umbrella = join(dir, "charts", "spire");
  const neighbours = new Set(await readdir(join(dir, "charts")));
  const chart = await readFile(join(umbrella, "Chart.yaml"), "utf8");
  for (const [, name = ""] of chart.matchAll(/repository: file:\/\/\.\.\/([\w-]+)/g)) {
    if (neighbours.has(name)) await cp(join(dir, "charts", name), join(umbrella, "charts", name), { recursive: true });
  }
  const sets =
    "--set=global.spire.trustDomain=example.org,global.spire.clusterName=example,spiffe-oidc-discovery-provider.enabled=false";
  return {
    "SPIRE: agent, CSI driver": ["spire", umbrella, sets, "--set=spire-server.enabled=false"],
    "SPIRE: the same, server, controller manager": ["spire", umbrella, sets],
  };
}

function notes(repository: string | undefined): string[] {
  const compared = "× compares with the first row. Objects and bytes are what Helm prints.";
  if (repository === undefined)
    return [compared, "SPIRE's rows are left out: SPIRE_CHARTS named no clone of its charts."];
  const commit = execFileSync("git", ["-C", repository, "rev-parse", "HEAD"], { encoding: "utf8" }).trim();
  return [
    compared,
    `SPIRE's chart is that of github.com/spiffe/helm-charts-hardened at ${commit}, without its OIDC provider, with its defaults otherwise.`,
    "Teleport, which does what SPIRE's server does, is not in our chart. Istio's policies, which ours has, are not in SPIRE's.",
  ];
}

await helmOnPath();
await withTempDir(async (dir) => {
  const repository = process.env.SPIRE_CHARTS;
  const charts = { ...OURS, ...(repository !== undefined && (await spireCharts(repository, join(dir, "spire")))) };
  const commands = Object.values(charts).map((args) => [
    "template",
    ...args,
    "--kube-version=1.33.0",
    "--namespace=bench",
  ]);
  const printed: string[] = [];
  for (const args of commands) printed.push(await runHelm(args));
  const costs = interleaved(
    commands.map((args) => ["helm", ...args]),
    ROUNDS,
  );
  const series = (name: string, unit: string, measured: number[][], reference?: number) => ({
    ...{ name, unit },
    points: Object.keys(charts).map((chart, index) => point(chart, measured[index] ?? [], reference)),
  });
  const of = (kind: keyof Cost) => costs.map((rounds) => rounds.map((cost) => cost[kind]));
  const cpu = of("cpu");
  const objects = printed.map((text) => [(text.match(/^kind: /gm) ?? []).length]);
  const bytes = printed.map((text) => [Buffer.byteLength(text)]);
  await printAndSave(
    makeResult({
      bench: "chart-render",
      title: "helm template",
      command: "SPIRE_CHARTS=CLONE npm run bench:render",
      x: "chart",
      series: [
        series("CPU", "ms", cpu, median(cpu[0] ?? [])),
        series("until it is done", "ms", of("wall")),
        series("objects", "", objects, median(objects[0] ?? [])),
        series("rendered", "bytes", bytes, median(bytes[0] ?? [])),
      ],
      notes: notes(repository),
    }),
  );
});
