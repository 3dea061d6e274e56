import { CHECKS } from "../doctor/checks/all.ts";
import { examine } from "../doctor/run.ts";
import { chosenCluster } from "../programs/chosen-cluster.ts";
import { accessOf } from "../programs/kubectl.ts";
import type { Runner } from "../programs/run.ts";
import type { ReportDocument } from "./document.ts";
import type { ReportFlags } from "./flags.ts";
import { makeDocument } from "./make-document.ts";
import { readStatedGraph } from "./stated-graph.ts";

/**
 * The report of the live cluster: doctor's look at it, and the graph that the values or the release state.
 *
 * @throws ExitError as doctor: refused for a wrong flag or input, unavailable when there is no cluster to look at
 */
export async function gatherReport(runner: Runner, flags: ReportFlags, toolVersion: string): Promise<ReportDocument> {
  const { access, described } = await chosenCluster(accessOf(runner, flags));
  const stated = await readStatedGraph(access, flags);
  const chosen = { ...flags, ...(access.context !== undefined && { context: access.context }) };
  const examination = await examine(runner, { ...chosen, tctl: false }, CHECKS);
  return makeDocument(examination, stated, { toolVersion, cluster: described });
}
