import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExitError } from "../base/exit-error.ts";
import { isRecord } from "../base/json-value.ts";
import { nearestKey } from "../base/nearest-key.ts";
import { helmTemplate, type ValuesInputs } from "../programs/helm.ts";
import { jsonFrom, OBJECT } from "../programs/json-from.ts";
import type { Runner } from "../programs/run.ts";
import { withTempDir } from "../programs/temp-dir.ts";

type Tree = Record<string, unknown>;

/**
 * The values that a dependency of a parent chart gets from the parent's values: those under its name or alias, with the
 * parent's `global` over its own.
 *
 * @param inputs the parent's values: files and `--set` assignments, with the parent's own values.yaml if it sets any
 * @param key name or alias of the dependency
 * @throws ExitError when nothing stands under that key
 */
export async function valuesUnderKey(runner: Runner, inputs: ValuesInputs, key: string): Promise<ValuesInputs> {
  const all = await mergedByHelm(runner, inputs);
  const own = Object.hasOwn(all, key) ? all[key] : undefined;
  // `global` is every chart's: it is the name of none.
  if (key === "global" || !isRecord(own)) {
    const keys = Object.keys(all).filter((name) => name !== "global" && isRecord(all[name]));
    const meant = nearestKey(key, keys);
    const choice = keys.length > 0 ? `name the chart's key in them (${keys.join(", ")})` : "leave --values-key out";
    const hint = meant ? `did you mean ${meant}?` : `${choice}, or write \`${key}: {}\` for the chart's defaults.`;
    throw new ExitError(`--values-key ${key}: the values have no chart of that name; ${hint}`);
  }
  const global = mergedTrees(isRecord(own.global) ? own.global : {}, isRecord(all.global) ? all.global : {});
  return { files: [{ name: `values under ${key}`, text: JSON.stringify({ ...own, global }) }], sets: [] };
}

/** As in load.ts, the merge is Helm's own: of a chart that has nothing but one template, which prints it. */
async function mergedByHelm(runner: Runner, inputs: ValuesInputs): Promise<Tree> {
  return withTempDir(async (dir) => {
    const chart = join(dir, "parent");
    await mkdir(join(chart, "templates"), { recursive: true });
    await writeFile(join(chart, "Chart.yaml"), "apiVersion: v2\nname: parent\nversion: 0.0.0\n");
    await writeFile(join(chart, "templates", "print.yaml"), "{{ .Values | toJson }}\n");
    const text = await helmTemplate(runner, { inputs, chart });
    return jsonFrom(text.slice(text.indexOf("\n{")), "helm", "merge the values of the parent chart", OBJECT);
  });
}

/** Helm's merge of `global`: maps are merged, of anything else the later wins. */
function mergedTrees(first: Tree, later: Tree): Tree {
  const merged = { ...first };
  for (const [key, value] of Object.entries(later)) {
    const below = merged[key];
    merged[key] = isRecord(below) && isRecord(value) ? mergedTrees(below, value) : value;
  }
  return merged;
}
