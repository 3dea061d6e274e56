import type { MeshGraph } from "../mesh-graph.ts";
import { graphSection } from "./graph-section.ts";
import { pageText } from "./page.ts";

/** The graph as a page of its own: the part of the report of that name. */
export async function graphPage(graph: MeshGraph): Promise<string> {
  const { section, data } = await graphSection(graph, {
    source: "From the chart’s values; the cluster was not asked.",
  });
  return pageText({
    title: "Who may call whom",
    subtitle: `The mesh of ${graph.clusterName}`,
    contents: [],
    body: section,
    graph: data,
  });
}
