import { rmSync } from "node:fs";
import { join } from "node:path";
import { shell } from "../cluster/shell.ts";
import { REPOSITORY, USER_DIR } from "./installation.ts";

/**
 * Writes the chart as it was before its last change that shows into a folder, and returns the path of the chart. That is the
 * chart of the nearest commit, HEAD and its first parents, that makes something else of the user's values.
 *
 * @throws Error with the fix in a clone without that history
 */
export async function writePreviousChart(folder: string): Promise<string> {
  const git = (line: string) => shell(`git ${line}`, { cwd: REPOSITORY });
  const rendered = (chart: string) =>
    shell(`helm template istio-teleport '${chart}' -n teleport-system -f values.yaml`, { cwd: USER_DIR });
  const today = await rendered(join(REPOSITORY, "chart"));
  const chart = join(folder, "chart");
  const tried = new Set<string>();
  for (const commit of (await git("rev-list --first-parent --max-count=200 HEAD")).trim().split("\n")) {
    const tree = await git(`rev-parse ${commit}:chart`);
    if (tried.has(tree)) continue;
    tried.add(tree);
    rmSync(chart, { recursive: true, force: true });
    await git(`archive ${commit} chart | tar -x -C '${folder}'`);
    if ((await rendered(chart)) === today) continue;
    process.stderr.write(`the chart before: commit ${commit.slice(0, 12)}\n`);
    return chart;
  }
  throw new Error("no commit of this clone has another chart: get its history with `git fetch --unshallow`");
}
