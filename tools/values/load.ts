import { cp, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { ExitError } from "../base/exit-error.ts";
import { isRecord } from "../base/json-value.ts";
import { CHART_DIR } from "../base/package-files.ts";
import { helmTemplate, refuseOldHelm, type ValuesInputs } from "../programs/helm.ts";
import { jsonFrom } from "../programs/json-from.ts";
import { Interrupted, type Runner } from "../programs/run.ts";
import { withTempDir } from "../programs/temp-dir.ts";
import { readValuesInputs, type ValuesOptions } from "./inputs.ts";
import { validateValues } from "./schema.ts";
import { withSuggestion } from "./suggestions.ts";
import type { Application, Values } from "./types.ts";

/**
 * The chart's values after a user's files and `--set` assignments, checked. What Helm would refuse is refused, and
 * what Helm takes silently though it cannot be meant (duplicate keys, further YAML documents) as well.
 *
 * @throws ExitError with one sentence for each wrong value.
 */
export async function loadValues(runner: Runner, options: ValuesOptions): Promise<Values> {
  return mergedValues(runner, await readValuesInputs(runner, options));
}

/** As `loadValues`, for inputs that were read already and go to Helm, too. */
export async function mergedValues(runner: Runner, inputs: ValuesInputs): Promise<Values> {
  return (await checked(runner, inputs)).values;
}

/** An application bundled with the chart (chart/templates/graph/_bundled.tpl). */
export interface BundledApplication {
  /** The value that installs it, such as `example.enabled`. */
  enabledBy: string;
  /** Absent while it is not installed. */
  application?: Application;
}

/** Values with every graph of the mesh. */
export interface ValuesWithGraphs extends Values {
  /** By name, installed or not. Those that are installed are in `mesh.applications`, too. */
  bundledApplications: Record<string, BundledApplication>;
}

/** As `loadValues`, with the applications bundled with the chart. */
export async function loadGraphValues(runner: Runner, options: ValuesOptions): Promise<ValuesWithGraphs> {
  const { values, applications, bundledApplications } = await checked(runner, await readValuesInputs(runner, options));
  return { ...values, mesh: { ...values.mesh, applications }, bundledApplications };
}

async function checked(runner: Runner, inputs: ValuesInputs): Promise<Merged & { values: Values }> {
  const merged = await merge(runner, inputs);
  const valid = await validateValues(merged.values);
  if (merged.problems.length > 0) {
    const known = {
      services: Object.fromEntries(
        Object.entries(merged.applications).map(([name, { services }]) => [name, Object.keys(services)]),
      ),
      gateways: Object.keys(valid.mesh.gateways),
    };
    throw new ExitError(merged.problems.map((problem) => withSuggestion(problem, known)).join("\n"));
  }
  return { ...merged, values: withoutInjectedGlobals(valid) };
}

/** Helm copies `global` into the values of each subchart; our documents read it at the top only. */
function withoutInjectedGlobals(values: Values): Values {
  const sections = Object.entries(values).map(([key, section]) => {
    // `enabled`, and a user's own `x-` keys, which may hold anything.
    if (typeof section !== "object" || key.startsWith("x-")) return [key, section];
    const { global: _, ...own } = section as { global?: unknown };
    return [key, own];
  });
  return Object.fromEntries(sections) as Values;
}

/** What Helm makes of a user's values. */
interface Merged {
  /** Helm's own version. */
  helm: string;
  values: unknown;
  /** What the chart's templates refuse, one sentence for each problem. */
  problems: string[];
  /** Those of the values and the bundled ones that are installed. */
  applications: Record<string, Application>;
  bundledApplications: Record<string, BundledApplication>;
}

const ALL = `{{ dict
  "helm" .Capabilities.HelmVersion.Version
  "values" .Values
  "problems" (include "istio-teleport.problems" . | fromJsonArray)
  "applications" (include "istio-teleport.applications" . | fromJson)
  "bundledApplications" (include "istio-teleport.bundledApplications" . | fromJson)
  | toJson }}
`;
const VALUES_ONLY = '{{ dict "helm" .Capabilities.HelmVersion.Version "values" .Values | toJson }}\n';

/**
 * The merge and the checks are Helm's own: our chart without its manifests and its schema, and one template that prints
 * the values and what is wrong with them. Helm's YAML is 1.1 (`on` is true), `--set` has a grammar of its own, and
 * `null` deletes a key, stays or is ignored depending on the subchart it is for; a merge of ours would differ
 * somewhere, and then we would check other values than Helm installs. Every command begins with it, so it is also where
 * a Helm that is too old is noticed, without asking Helm twice.
 */
async function merge(runner: Runner, inputs: ValuesInputs): Promise<Merged> {
  return withTempDir(async (dir) => {
    const chart = join(dir, "chart");
    await cp(CHART_DIR, chart, { recursive: true, filter: isKept });
    const print = async <Printed extends Pick<Merged, "helm">>(template: string): Promise<Printed> => {
      await writeFile(join(chart, "templates", "print.yaml"), template);
      const text = await helmTemplate(runner, { inputs, chart });
      const json = text.replace(/^\s*---\n# Source: .*\n/, "");
      const printed = jsonFrom(json, "helm", "merge the values", {
        named: "the merged values",
        fits: isMerged<Printed>,
      });
      refuseOldHelm(printed.helm);
      return printed;
    };
    try {
      return await print<Merged>(ALL);
    } catch (error) {
      if (error instanceof Interrupted) throw error;
      // The checks fail on a value of the wrong type: let the schema say which value.
      await validateValues((await print<Pick<Merged, "helm" | "values">>(VALUES_ONLY)).values);
      throw error;
    }
  });
}

/** Whether Helm printed what one of the two templates above says. */
function isMerged<Printed>(value: unknown): value is Printed {
  return isRecord(value) && typeof value.helm === "string" && "values" in value;
}

/** Manifests and the schema have no say in the merge; named templates do the checks. */
function isKept(path: string): boolean {
  return !/(^|[/\\])templates[/\\].*\.(yaml|txt)$|values\.schema\.json$/.test(relative(CHART_DIR, path));
}
