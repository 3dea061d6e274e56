import { cp, mkdir, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { CHART_DIR } from "../base/package-files.ts";
import { helmTemplate, type ValuesInputs } from "../programs/helm.ts";
import { withTempDir } from "../programs/temp-dir.ts";
import { checkValues } from "./checks.ts";
import { DEFAULTS } from "./defaults.ts";
import { readValuesInputs, type ValuesOptions } from "./inputs.ts";
import { validateValues } from "./schema.ts";
import type { Values } from "./types.ts";

/**
 * The chart's values after a user's files and `--set` assignments, checked. What Helm would refuse is refused, and
 * what Helm takes silently though it cannot be meant (duplicate keys, further YAML documents) as well.
 *
 * @throws ExitError with one sentence for each wrong value.
 */
export async function loadValues(options: ValuesOptions): Promise<Values> {
  return mergedValues(await readValuesInputs(options));
}

/** As `loadValues`, for inputs that were read already and go to Helm, too. */
export async function mergedValues(inputs: ValuesInputs): Promise<Values> {
  const values = await validateValues(await merge(inputs));
  checkValues(values);
  return withoutInjectedGlobals(values);
}

/** Helm copies `global` into the values of each subchart; our documents read it at the top only. */
function withoutInjectedGlobals(values: Values): Values {
  const sections = Object.entries(values).map(([key, section]) => {
    const { global: _, ...own } = section as { global?: unknown };
    return [key, own];
  });
  return Object.fromEntries(sections) as Values;
}

/** The chart's own defaults, unchecked: without a cluster name they are not yet legal. */
export async function defaultValues(): Promise<Values> {
  return structuredClone(DEFAULTS);
}

/**
 * The merge is Helm's own: our chart without its templates and its schema, and one template that prints the values.
 * Helm's YAML is 1.1 (`on` is true), `--set` has a grammar of its own, and `null` deletes a key, stays or is ignored
 * depending on the subchart it is for; a merge of ours would differ somewhere, and then we would check other values
 * than Helm installs.
 */
async function merge(inputs: ValuesInputs): Promise<unknown> {
  if (inputs.files.length === 0 && inputs.sets.length === 0) return defaultValues();
  return withTempDir(async (dir) => {
    const chart = join(dir, "chart");
    await cp(CHART_DIR, chart, { recursive: true, filter: (path) => !DROPPED.has(basename(path)) });
    await mkdir(join(chart, "templates"));
    await writeFile(join(chart, "templates", "values.yaml"), "{{ .Values | toJson }}\n");
    const printed = await helmTemplate({ inputs, chart });
    return JSON.parse(printed.slice(printed.indexOf("\n{")));
  });
}

/** Parts of a chart that have no say in the merge. */
const DROPPED = new Set(["templates", "values.schema.json"]);
