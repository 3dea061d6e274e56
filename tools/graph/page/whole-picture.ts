import { groupBy } from "../../base/group-by.ts";
import type { MeshGraph } from "../mesh-graph.ts";
import { type Drawing, draw, drawGrid, wholeScene } from "../views/picture.ts";
import type { PictureNode } from "../views/picture-nodes.ts";

/** Graphviz takes seconds for so many, minutes for a multiple, and nobody could follow the arrows. */
const MOST_NODES = 200;
const MOST_EDGES = 500;

/** Width of the grid of applications in pixels: that of the page. */
const GRID_WIDTH = 1050;

/** The picture at the top of the page. */
export interface WholePicture extends Drawing {
  nodes: readonly PictureNode[];
  /** Each application is one box, behind the callers from outside, and there are no arrows. */
  isCollapsed: boolean;
}

/** Every service and who may call it where that fits into a picture, else the applications. */
export async function wholePicture(graph: MeshGraph): Promise<WholePicture> {
  const scene = wholeScene(graph);
  if (scene.nodes.length <= MOST_NODES && scene.edges.length <= MOST_EDGES) {
    return { ...(await draw(scene, true)), nodes: scene.nodes, isCollapsed: false };
  }
  const outside = scene.nodes.filter(({ application }) => application === undefined);
  const applications = applicationNodes(graph);
  return {
    ...drawGrid([outside, applications], GRID_WIDTH),
    nodes: [...outside, ...applications],
    isCollapsed: true,
  };
}

function applicationNodes({ applications, edges }: MeshGraph): PictureNode[] {
  const calls = groupBy(edges, ({ to }) => to.application);
  return applications.map(({ name, namespace, mode, services }) => ({
    id: `application ${name}`,
    kind: "service",
    lines: [name, `${services.length} services, ${calls.get(name)?.length ?? 0} callers`, `mode ${mode}`],
    tooltip: `namespace ${namespace}`,
  }));
}
