import { cp, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { CHART_DIR } from "../../tools/base/package-files.ts";
import { helmTemplate } from "../../tools/programs/helm.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { withTempDir } from "../../tools/programs/temp-dir.ts";
import { validateValues } from "../../tools/values/schema.ts";

/** Values of one case: layers as values files, the later wins, then `--set` assignments. */
export interface Case {
  layers: readonly object[];
  sets?: readonly string[];
}

/** What Helm makes of one case. */
export interface Outcome {
  /** What JSON Schema refuses, as Helm says it; then the rest is empty. */
  refused: string[];
  /** The merged values, with the `global` that Helm copies into subcharts. */
  values: unknown;
  /** Each sentence with which the chart would refuse the values. */
  problems: string[];
  /** The rendered documents by template: `templates/mesh/admission.yaml`. */
  documents: Map<string, string>;
}

/**
 * How far Helm shall go: `merged` values only, which no schema checked; `checked` by the schema and the chart's own
 * checks, too; or `rendered` with all manifests as well.
 */
export type Depth = "merged" | "checked" | "rendered";

/** More at once cost less process starts, but Helm's time grows with the square of the charts below one. */
const AT_ONCE = 40;
const PROBLEMS = '(include "istio-teleport.problems" . | fromJsonArray)';
const NOTHING: Omit<Outcome, "refused"> = { values: undefined, problems: [], documents: new Map() };

/**
 * Our chart with many sets of values in one run of Helm, each as if it were alone: an umbrella has the chart once a
 * case, under the case's name, and Helm gives each subchart its own values, schema check and rendering. The chart prints
 * its list of problems instead of failing with it, so that no case ends the run for the others.
 *
 * Not for `null`, which means something else for a subchart than for a chart.
 *
 * @throws ExitError naming the case (`case004`) whose templates fail
 */
export async function renderMany(cases: readonly Case[], depth: Depth = "rendered"): Promise<Outcome[]> {
  return withTempDir(async (dir) => {
    const chart = join(dir, "chart");
    await copyChart(chart, depth);
    const outcomes: Outcome[] = [];
    for (let start = 0; start < cases.length; start += AT_ONCE) {
      outcomes.push(...(await renderSome(dir, chart, cases.slice(start, start + AT_ONCE))));
    }
    return outcomes;
  });
}

async function copyChart(chart: string, depth: Depth): Promise<void> {
  await cp(CHART_DIR, chart, {
    recursive: true,
    filter: (path) =>
      !path.endsWith("templates/checks/checks.yaml") &&
      // Nobody sees them, and they fail on a value of the wrong type.
      !path.endsWith("templates/NOTES.txt") &&
      (depth !== "merged" || !path.endsWith("values.schema.json")) &&
      (depth === "rendered" || !/[/\\]templates[/\\].*\.yaml$/.test(path.slice(CHART_DIR.length))),
  });
  // Checks fail on a value of the wrong type, which only the schema refuses.
  const problems = depth === "merged" ? "list" : PROBLEMS;
  await writeFile(
    join(chart, "templates", "print.yaml"),
    `{{ dict "values" .Values "problems" ${problems} | toJson }}\n`,
  );
}

/** Helm checks all schemas before it renders anything: what they refuse is left out of a second run. */
async function renderSome(dir: string, chart: string, cases: readonly Case[]): Promise<Outcome[]> {
  const named = new Map(cases.map((one, index) => [`case${String(index).padStart(3, "0")}`, one]));
  const refused = new Map<string, string[]>();
  let printed = "";
  try {
    printed = await runUmbrella(dir, chart, named);
  } catch (error) {
    for (const [name, lines] of schemaRefusals((error as Error).message)) refused.set(name, lines);
    if (refused.size === 0) throw error;
    const legal = new Map([...named].filter(([name]) => !refused.has(name)));
    if (legal.size > 0) printed = await runUmbrella(dir, chart, legal);
  }
  const documents = documentsOf(printed);
  return [...named.keys()].map((name) => {
    const lines = refused.get(name);
    if (lines) return { ...NOTHING, refused: lines };
    const own = documents.get(name) ?? new Map<string, string>();
    const print = own.get("templates/print.yaml");
    if (print === undefined) throw new Error(`Helm printed nothing for ${name}`);
    own.delete("templates/print.yaml");
    return { ...(JSON.parse(print) as Pick<Outcome, "values" | "problems">), refused: [], documents: own };
  });
}

async function runUmbrella(dir: string, chart: string, cases: ReadonlyMap<string, Case>): Promise<string> {
  const umbrella = join(dir, "umbrella");
  await rm(umbrella, { recursive: true, force: true });
  const parts = (await readdir(chart)).filter((part) => part !== "Chart.yaml");
  const metadata = await readFile(join(chart, "Chart.yaml"), "utf8");
  // A real directory for each, no alias: Helm 3 shares what is below the aliases of one chart, and renames it once.
  for (const name of cases.keys()) {
    const own = join(umbrella, "charts", name);
    await mkdir(own, { recursive: true });
    await writeFile(join(own, "Chart.yaml"), metadata.replace(/^name: .*$/m, `name: ${name}`));
    for (const part of parts) await symlink(join(chart, part), join(own, part));
  }
  // Named as dependencies, else Helm does not look at what the subcharts of each depend on.
  const dependencies = [...cases.keys()].map((name) => ({ name, version: "*", repository: "" }));
  const own = { apiVersion: "v2", name: "cases", version: "0.0.0", dependencies };
  await writeFile(join(umbrella, "Chart.yaml"), JSON.stringify(own));
  const depth = Math.max(...[...cases.values()].map(({ layers }) => layers.length));
  const files = Array.from({ length: depth }, (_, layer) => ({
    name: `${layer}`,
    text: JSON.stringify(Object.fromEntries([...cases].map(([name, { layers }]) => [name, layers[layer] ?? {}]))),
  }));
  const sets = [...cases].flatMap(([name, one]) => (one.sets ?? []).map((set) => `${name}.${set}`));
  return helmTemplate(systemRunner, { inputs: { files, sets }, chart: umbrella, namespace: "elsewhere" });
}

/** From Helm's one sentence about all charts: "case003: - at '/tbot': … - at '/mesh': …". */
function schemaRefusals(message: string): [string, string[]][] {
  const said = message.split("the schema(s) in the following chart(s): ")[1];
  if (said === undefined) return [];
  return said.split(/(?=\bcase\d{3}: - )/).map((part) => [part.slice(0, 7), part.slice(9).split(/ (?=- at )/)]);
}

/** The documents by case and template; the chart's name stands again where Helm wrote the case's. */
function documentsOf(printed: string): Map<string, Map<string, string>> {
  const all = new Map<string, Map<string, string>>();
  for (const text of printed.split(/^---\n/m)) {
    const [, name, template] = /^# Source: cases\/charts\/(case\d{3})\/(.*)\n/.exec(text) ?? [];
    if (name === undefined || template === undefined) continue;
    const own = all.get(name) ?? new Map<string, string>();
    all.set(name, own);
    const document = text.slice(text.indexOf("\n") + 1).replaceAll(name, "istio-teleport");
    const before = own.get(template);
    own.set(template, before === undefined ? document : `${before}---\n${document}`);
  }
  return all;
}

/** The same promise for every caller, made by the first one: tests of one table share its renders. */
export function once<Result>(make: () => Promise<Result>): () => Promise<Result> {
  let made: Promise<Result> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

/** What Helm prints for each row of a table, by the row. */
export function outcomesOf<Row>(
  rows: readonly Row[],
  caseOf: (row: Row) => Case,
  depth?: Depth,
): (row: Row) => Promise<Outcome> {
  const outcomes = once(() => renderMany(rows.map(caseOf), depth));
  return async (row) => (await outcomes())[rows.indexOf(row)] as Outcome;
}

/** What our tools' schema says of values that Helm merged; empty when it takes them. */
export async function schemaRefusal({ values }: Outcome): Promise<string> {
  return validateValues(values).then(
    () => "",
    (error: Error) => error.message,
  );
}
