import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ISTIO_RECIPES, KUBERNETES_RECIPES, type Versions } from "../build/recipes.ts";
import type { LabPaths } from "../machine/paths.ts";
import { runTests } from "./test-run.ts";

/** A part of the slice: the column's heading, the test file by the start of its name, and which of its tests (default: all). */
interface SlicePart {
  readonly column: string;
  readonly file: string;
  readonly only?: string;
}

/** What a pair of versions must pass, in this order: what a user depends on, in about ten minutes. */
const SLICE: readonly SlicePart[] = [
  { column: "join, installation", file: "01-" },
  { column: "200 and 403", file: "02-" },
  // What Helm alone makes of the chart is the same on every cluster.
  { column: "accepted by the API server", file: "03-", only: "API server|admission policy|running mesh" },
  { column: "injection", file: "04-" },
  { column: "rotation", file: "07-" },
  { column: "policies", file: "08-" },
  // With all layers on: the other columns are there to show what a layer alone leaves open.
  { column: "fail-closed", file: "06-", only: "layer × case.* all$" },
];

/** How a part of the slice ended. */
export interface SliceResult {
  readonly passed: number;
  readonly failed: number;
}

/** Every pair of the versions that the lab builds; only those with the wanted Kubernetes or Istio, where one is given. */
export function versionPairs(wanted: Partial<Versions>): readonly Versions[] {
  const all = <Version extends string>(recipes: Record<Version, unknown>) => Object.keys(recipes) as Version[];
  const kubernetesVersions = wanted.kubernetes === undefined ? all(KUBERNETES_RECIPES) : [wanted.kubernetes];
  const istioVersions = wanted.istio === undefined ? all(ISTIO_RECIPES) : [wanted.istio];
  return kubernetesVersions.flatMap((kubernetes) => istioVersions.map((istio) => ({ kubernetes, istio })));
}

/** Runs the slice on a lab that is up and empty. Without an installation the other parts are not run. */
export async function runSlice(paths: LabPaths): Promise<readonly SliceResult[]> {
  const results: SliceResult[] = [];
  for (const part of SLICE) {
    const result = await runPart(paths, part);
    results.push(result);
    if (results.length === 1 && !isGood(result)) break;
  }
  return results;
}

async function runPart(paths: LabPaths, { file, only }: SlicePart): Promise<SliceResult> {
  mkdirSync(join(paths.state, "slice"), { recursive: true });
  const report = join(paths.state, "slice", `${file}.json`);
  const filter = only === undefined ? [] : [`--testNamePattern=${only}`];
  await runTests(paths, [file, ...filter, "--reporter=verbose", "--reporter=json", `--outputFile.json=${report}`]);
  return existsSync(report) ? sliceResult(readFileSync(report, "utf8")) : { passed: 0, failed: 0 };
}

/** Counts in a report of vitest's JSON reporter. A file that failed outside its tests, in a hook say, is one failure more. */
export function sliceResult(report: string): SliceResult {
  const { numPassedTests, numFailedTests, success } = JSON.parse(report);
  return { passed: numPassedTests, failed: numFailedTests === 0 && !success ? 1 : numFailedTests };
}

/** Whether every part was run, and passed. */
export function passes(results: readonly SliceResult[]): boolean {
  return results.length === SLICE.length && results.every(isGood);
}

function isGood({ passed, failed }: SliceResult): boolean {
  return failed === 0 && passed > 0;
}

/** A Markdown table: Kubernetes × Istio × what of the slice passed. */
export function versionTable(rows: readonly { versions: Versions; results: readonly SliceResult[] }[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |\n`;
  const header = ["Kubernetes", "Istio", ...SLICE.map(({ column }) => column)];
  return [
    line(header),
    `|${"---|".repeat(header.length)}\n`,
    ...rows.map(({ versions, results }) =>
      line([versions.kubernetes, versions.istio, ...SLICE.map((_, index) => cell(results[index]))]),
    ),
  ].join("");
}

function cell(result: SliceResult | undefined): string {
  if (result === undefined) return "not run";
  return result.failed === 0
    ? `${result.passed} passed`
    : `${result.failed} of ${result.passed + result.failed} failed`;
}
