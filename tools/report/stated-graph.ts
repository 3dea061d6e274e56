import { Readable } from "node:stream";
import { ExitError } from "../base/exit-error.ts";
import { type GraphValues, type MeshGraph, meshGraph } from "../graph/mesh-graph.ts";
import { helmReleases, releaseValues } from "../programs/helm-releases.ts";
import type { ClusterAccess } from "../programs/kubectl.ts";
import type { ValuesFlags } from "../values/flags.ts";
import { loadGraphValues, type ValuesWithGraphs } from "../values/load.ts";
import { graphOfParts } from "../values/parts.ts";

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

/** Its chart is known by its name: the release has whatever name the user gave it, and applications may have their own. */
async function graphOfRelease(access: ClusterAccess): Promise<StatedGraph> {
  const releases = (await helmReleases(access)).filter(({ chart }) => chart === "istio-teleport");
  if (releases.length === 0) {
    return {
      source:
        "The graph is not known: no Helm release of the chart istio-teleport is in the cluster; give its values with -f.",
    };
  }
  const parts: ValuesWithGraphs[] = [];
  // One after the other: each is a run of Helm, and there may be one for every application.
  for (const release of releases) {
    const stdin = Readable.from([JSON.stringify(await releaseValues(access, release))]);
    parts.push(await loadGraphValues(access.runner, { files: ["-"], stdin }));
  }
  const named = releases.map(({ namespace, name, revision, updated }) => {
    const time = Number.isNaN(updated.getTime()) ? "" : `, of ${updated.toISOString()}`;
    return `${namespace}/${name}, revision ${revision}${time}`;
  });
  const source =
    named.length === 1 ? `the Helm release ${named[0]}` : `${named.length} Helm releases: ${named.join("; ")}`;
  return graphOf(graphOfParts(parts), `Stated by the values of ${source}.`);
}

function graphOf(values: GraphValues, source: string): StatedGraph {
  const graph = meshGraph(values);
  if (graph.applications.length > 0) return { graph, source };
  return {
    source: `${source} They state no application, so no policy comes from a graph. This report does not show what other AuthorizationPolicies do.`,
  };
}
