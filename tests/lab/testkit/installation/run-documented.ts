import { join } from "node:path";
import { istioCharts } from "../../../../lab/build/toolbox.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shell } from "../cluster/shell.ts";
import { ISTIO_LAB_VALUES, REPOSITORY, USER_DIR } from "./installation.ts";

/**
 * Runs a block of a page with the lab's charts, and its values for istiod behind the page's.
 *
 * @param names what the page's reader has set, as NAMESPACE
 */
export async function runDocumented(block: string, names: Readonly<Record<string, string>> = {}): Promise<void> {
  const istiod = join(istioCharts(labPaths()), "istio-control", "istio-discovery");
  const script = block
    .replace(" istio/istiod ", ` '${istiod}' `)
    .replace(/ -f (istiod-\S+)/, ` -f $1 -f '${ISTIO_LAB_VALUES}'`)
    .replace(" istio-teleport/istio-teleport ", ` '${REPOSITORY}/chart' `);
  const exports = Object.entries(names).map(([name, value]) => `export ${name}=${value}`);
  await shell(["set -eu", ...exports, script].join("\n"), { cwd: USER_DIR });
}
