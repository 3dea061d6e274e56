import { groupBy } from "../../base/group-by.ts";
import type { MeshGraph } from "../mesh-graph.ts";
import { type Drawing, draw, type Scene, wholeScene } from "../views/picture.ts";
import { nodeId, type PictureNode, pictureNodes } from "../views/picture-nodes.ts";

/** Graphviz takes seconds for more, and nobody can follow the arrows of a picture with more boxes. */
const MOST_NODES = 220;
const MOST_EDGES = 1000;

/** The picture at the top of the page. */
export interface WholePicture {
  /** Each application is one node; the outside callers come before them. */
  isCollapsed: boolean;
  /** Absent where even the applications are too many: there the search is the way in. */
  drawing?: Drawing;
  scene: Scene;
}

/** Every service where they fit into a picture, else each application as one box. */
export async function wholePicture(graph: MeshGraph): Promise<WholePicture> {
  const scene = wholeScene(graph);
  if (fits(scene)) return { isCollapsed: false, scene, drawing: await draw(scene, true) };
  const collapsed = collapsedScene(graph);
  return { isCollapsed: true, scene: collapsed, ...(fits(collapsed) && { drawing: await draw(collapsed, true) }) };
}

function fits({ nodes, edges }: Scene): boolean {
  return nodes.length <= MOST_NODES && edges.length <= MOST_EDGES;
}

/** Applications as nodes, with one arrow for all calls from one to another. */
function collapsedScene(graph: MeshGraph): Scene {
  const outside = pictureNodes(graph).filter(({ application }) => application === undefined);
  const applications = graph.applications.map(
    ({ name, namespace, mode, services }): PictureNode => ({
      id: `application ${name}`,
      kind: "service",
      lines: [name, `${services.length} services`, `mode ${mode}`],
      tooltip: `namespace ${namespace}`,
    }),
  );
  const known = new Set(applications.map(({ id }) => id));
  const sourceOf = ({ from }: MeshGraph["edges"][number]) => {
    const own = from.kind === "service" ? `application ${from.service.application}` : "";
    return known.has(own) ? own : nodeId(from);
  };
  const calls = groupBy(graph.edges, (edge) => JSON.stringify([sourceOf(edge), `application ${edge.to.application}`]));
  const modes = new Map(graph.applications.map(({ name, mode }) => [name, mode]));
  const edges = [...calls.values()].flatMap((all) => {
    const [first] = all;
    if (first === undefined) return [];
    const [from, to] = [sourceOf(first), `application ${first.to.application}`];
    if (from === to) return [];
    const isLoose = modes.get(first.to.application) !== "enforce";
    return [{ from, to, label: `${all.length}`, sentence: `${all.length} callers`, isLoose }];
  });
  return { nodes: [...outside, ...applications], applications: [], edges };
}
