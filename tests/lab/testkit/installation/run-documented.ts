import { join } from "node:path";
import { istioCharts } from "../../../../lab/build/toolbox.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shell } from "../cluster/shell.ts";
import { documentedBlock } from "./documented-steps.ts";
import { ISTIO_LAB_VALUES, REPOSITORY, USER_DIR } from "./installation.ts";

/**
 * Runs the block under a heading of a document, with the lab's charts, and its values for istiod behind the document's.
 *
 * @param document below docs/, without its ending
 * @param names what the document's reader has set, as NAMESPACE
 */
export async function runDocumented(
  document: "operate/leaving" | "operate/migration" | "start/installation",
  heading: string,
  names: Readonly<Record<string, string>>,
): Promise<void> {
  const block = documentedBlock(join(REPOSITORY, "docs", `${document}.md`), heading);
  const istiod = join(istioCharts(labPaths()), "istio-control", "istio-discovery");
  const script = block
    .replace(" istio/istiod ", ` '${istiod}' `)
    .replace(/ -f (istiod-\S+)/, ` -f $1 -f '${ISTIO_LAB_VALUES}'`)
    .replace(" istio-teleport/istio-teleport ", ` '${REPOSITORY}/chart' `);
  const exports = Object.entries(names).map(([name, value]) => `export ${name}=${value}`);
  await shell(["set -eu", ...exports, script].join("\n"), { cwd: USER_DIR });
}
