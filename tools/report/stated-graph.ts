import { Readable } from "node:stream";
import { ExitError } from "../base/exit-error.ts";
import { type MeshGraph, meshGraph } from "../graph/mesh-graph.ts";
import { helmReleases, releaseValues } from "../programs/helm-releases.ts";
import type { ClusterAccess } from "../programs/kubectl.ts";
import type { ValuesFlags } from "../values/flags.ts";
import { loadGraphValues } from "../values/load.ts";

/** The graph, and where it is stated; without one, why there is none. */
export interface StatedGraph {
  graph?: MeshGraph;
  source: string;
}

/**
 * The graph of the values that flags give, or else of those that the chart's release in the cluster has. A release that
 * cannot be read is told in `source`: the rest of the report does not need it.
 *
 * @throws ExitError (refused) for wrong values that the user gave
 */
export async function readStatedGraph(access: ClusterAccess, flags: ValuesFlags): Promise<StatedGraph> {
  const { values, set, valuesKey: key } = flags;
  if (values.length > 0 || set.length > 0 || key !== undefined) {
    const files = values.map((file) => (file === "-" ? "stdin" : file));
    const source = `Stated by the values given${files.length > 0 ? `: ${files.join(", ")}` : ""}.`;
    return graphOf(await loadGraphValues(access.runner, { files: values, sets: set, key }), source);
  }
  try {
    return await graphOfRelease(access);
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    return { source: `The graph is not known: ${error.message}` };
  }
}

/** Its chart is known by its name: the release has whatever name the user gave it. */
async function graphOfRelease(access: ClusterAccess): Promise<StatedGraph> {
  const release = (await helmReleases(access)).find(({ chart }) => chart === "istio-teleport");
  if (release === undefined) {
    return {
      source:
        "The graph is not known: no Helm release of the chart istio-teleport is in the cluster; give its values with -f.",
    };
  }
  const { namespace, name, revision, updated } = release;
  const stdin = Readable.from([JSON.stringify(await releaseValues(access, release))]);
  const values = await loadGraphValues(access.runner, { files: ["-"], stdin });
  const time = Number.isNaN(updated.getTime()) ? "" : `, of ${updated.toISOString()}`;
  return graphOf(values, `Stated by the values of the Helm release ${namespace}/${name}, revision ${revision}${time}.`);
}

function graphOf(values: Parameters<typeof meshGraph>[0], source: string): StatedGraph {
  const graph = meshGraph(values);
  if (graph.applications.length > 0) return { graph, source };
  return { source: `${source} They state no application, so any workload of the mesh may call any other one.` };
}
