import type { Graph } from "@viz-js/viz";

/** Coordinates are pixels from the top left corner. */
export interface Point {
  x: number;
  y: number;
}

export interface Size {
  width: number;
  height: number;
}

/** What shall be placed. Ids are any strings; boxes are kept as large as given. */
export interface LayoutRequest {
  nodes: (Size & { id: string; cluster?: string })[];
  /** Boxes around the nodes that name them, with room for a heading of this size. */
  clusters: { id: string; heading: Size }[];
  edges: { from: string; to: string; label?: Size }[];
}

/** Where everything is, in the order of the request. */
export interface Layout extends Size {
  nodes: Point[];
  clusters: (Size & Point)[];
  /** Bézier curves: a start point, then three points for each piece, then the tip of the arrow. */
  edges: { curve: Point[]; tip: Point; label?: Point }[];
}

/** Points of Graphviz, 72 an inch, are our pixels; its sizes are in inches. */
const POINTS = 72;

/**
 * Places boxes and arrows by Graphviz (as WebAssembly, so the same everywhere), from left to right. The centre of each
 * node and label is given, the top left corner of each cluster.
 */
export async function layOut(request: LayoutRequest): Promise<Layout> {
  const { instance } = await import("@viz-js/viz");
  const printed = (await instance()).renderString(graphvizGraph(request), { format: "json0" });
  return readLayout(JSON.parse(printed) as GraphvizOutput, request);
}

function graphvizGraph({ nodes, clusters, edges }: LayoutRequest): Graph {
  const index = new Map(nodes.map(({ id }, position) => [id, `${position}`]));
  return {
    directed: true,
    strict: false,
    graphAttributes: { rankdir: "LR", ranksep: 0.75, nodesep: 0.2, fontname: "Helvetica" },
    nodeAttributes: { shape: "box", fixedsize: true, label: "" },
    nodes: nodes.map(({ width, height }, position) => ({
      name: `${position}`,
      attributes: { width: width / POINTS, height: height / POINTS },
    })),
    subgraphs: clusters.map(({ id, heading }, position) => ({
      name: `cluster_${position}`,
      graphAttributes: { label: room(heading), labeljust: "l", margin: 14 },
      nodes: nodes.flatMap(({ cluster }, node) => (cluster === id ? [{ name: `${node}` }] : [])),
    })),
    edges: edges.map(({ from, to, label }, position) => ({
      tail: index.get(from) ?? "",
      head: index.get(to) ?? "",
      attributes: { class: `${position}`, ...(label && { label: room(label) }) },
    })),
  };
}

/** A label that only takes up room. */
function room({ width, height }: Size): { html: string } {
  const size = `fixedsize="true" width="${Math.ceil(width)}" height="${Math.ceil(height)}"`;
  return { html: `<table border="0" cellpadding="0" cellspacing="0"><tr><td ${size}></td></tr></table>` };
}

/** Graphviz's format json0; clusters and nodes are one list, clusters first. */
interface GraphvizOutput {
  bb: string;
  objects?: { name: string; pos?: string; bb?: string }[];
  edges?: { class: string; pos: string; lp?: string }[];
}

function readLayout(output: GraphvizOutput, request: LayoutRequest): Layout {
  const [, , width = 0, height = 0] = numbers(output.bb);
  // Graphviz's y grows upwards.
  const point = (text: string): Point => {
    const [x = 0, y = 0] = numbers(text);
    return { x, y: height - y };
  };
  const objects = new Map(output.objects?.map((object) => [object.name, object]));
  const edges = new Map(output.edges?.map((edge) => [edge.class, edge]));
  return {
    width,
    height,
    nodes: request.nodes.map((_, position) => point(objects.get(`${position}`)?.pos ?? "")),
    clusters: request.clusters.map((_, position) => {
      const [left = 0, bottom = 0, right = 0, top = 0] = numbers(objects.get(`cluster_${position}`)?.bb ?? "");
      return { x: left, y: height - top, width: right - left, height: top - bottom };
    }),
    edges: request.edges.map((_, position) => {
      const { pos = "", lp } = edges.get(`${position}`) ?? {};
      const [tip = "", ...curve] = pos.split(" ");
      return { tip: point(tip.replace(/^e,/, "")), curve: curve.map(point), ...(lp && { label: point(lp) }) };
    }),
  };
}

function numbers(text: string): number[] {
  return text.split(",").map(Number);
}
