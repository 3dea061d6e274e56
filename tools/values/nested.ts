import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExitError } from "../base/exit-error.ts";
import { nearestKey } from "../base/nearest-key.ts";
import { helmTemplate, type ValuesInputs } from "../programs/helm.ts";
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
  const own = all[key];
  if (!isTree(own)) {
    const meant = nearestKey(key, Object.keys(all));
    const hint = meant ? `did you mean ${meant}?` : `name the chart's key in them: ${Object.keys(all).join(", ")}.`;
    throw new ExitError(`--values-key ${key}: the values have no map of that name; ${hint}`);
  }
  const global = mergedTrees(isTree(own.global) ? own.global : {}, isTree(all.global) ? all.global : {});
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
    return JSON.parse(text.slice(text.indexOf("\n{"))) as Tree;
  });
}

/** Helm's merge of `global`: maps are merged, of anything else the later wins. */
function mergedTrees(first: Tree, later: Tree): Tree {
  const merged = { ...first };
  for (const [key, value] of Object.entries(later)) {
    const below = merged[key];
    merged[key] = isTree(below) && isTree(value) ? mergedTrees(below, value) : value;
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
