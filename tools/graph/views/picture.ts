import type { GraphApplication, MeshGraph } from "../mesh-graph.ts";
import { EFFECT } from "../permissions.ts";
import { type Layout, layOut, type Point, type Size } from "./layout.ts";
import { LINE, NAME_SIZE, nodeSize, SMALL_SIZE, textTop } from "./node-size.ts";
import { edgeLabel, edgeSentence, nodeId, type PictureNode, pictureNodes, serviceId } from "./picture-nodes.ts";
import { outline } from "./shapes.ts";
import { svgNumber, svgText } from "./svg-text.ts";
import { textWidth } from "./text-width.ts";

/** What a picture shows, before anything has a place. */
export interface Scene {
  nodes: PictureNode[];
  /** Boxes around the nodes of these applications. */
  applications: GraphApplication[];
  edges: SceneEdge[];
}

/** An arrow between the nodes of these ids. */
interface SceneEdge {
  from: string;
  to: string;
  /** Empty for an arrow without one. */
  label: string;
  /** The whole in words. */
  sentence: string;
  /** Stated only: the mode of the called application does not hold callers to it. */
  isLoose: boolean;
}

/** Each service of the graph, in its application. */
export function wholeScene(graph: MeshGraph): Scene {
  const enforced = new Set(graph.applications.filter(({ mode }) => mode === "enforce").map(({ name }) => name));
  return {
    nodes: pictureNodes(graph),
    applications: graph.applications.filter(({ services }) => services.length > 0),
    edges: graph.edges.map((edge) => ({
      from: nodeId(edge.from),
      to: serviceId(edge.to),
      label: edgeLabel(edge),
      sentence: edgeSentence(edge),
      isLoose: !enforced.has(edge.to.application),
    })),
  };
}

/** The elements of a picture, and how much room they take. */
export interface Drawing extends Size {
  lines: string[];
}

/** Draws a scene; with `numbered`, nodes and edges have their place in it as `data-node` and `data-edge`. */
export async function draw({ nodes, applications, edges }: Scene, numbered = false): Promise<Drawing> {
  const sizes = nodes.map(nodeSize);
  const layout = await layOut({
    nodes: nodes.map(({ id, application }, index) => ({
      id,
      ...at(sizes, index),
      ...(application && { cluster: application }),
    })),
    clusters: applications.map((application) => ({ id: application.name, heading: headingSize(application) })),
    edges: edges.map(({ from, to, label }) => ({ from, to, ...(label !== "" && { label: edgeLabelSize(label) }) })),
  });
  const number = (what: string, index: number) => (numbered ? ` data-${what}="${index}"` : "");
  return {
    width: layout.width,
    height: layout.height,
    lines: [
      ...applications.map((application, index) => drawApplication(application, at(layout.clusters, index))),
      ...edges.map((edge, index) => drawEdge(edge, at(layout.edges, index), number("edge", index))),
      ...applications.map((application, index) => drawHeading(application, at(layout.clusters, index))),
      ...nodes.map((node, index) => drawNode(node, at(layout.nodes, index), at(sizes, index), number("node", index))),
    ],
  };
}

const GRID_GAP = 14;

/** Draws nodes alone, in rows, each group in columns as wide as it needs; numbered as `draw` does. */
export function drawGrid(groups: readonly (readonly PictureNode[])[], width: number): Drawing {
  let [first, top, widest] = [0, 0, 0];
  const lines = groups.flatMap((nodes) => {
    const { cell, across } = gridOf(nodes, width);
    const drawn = nodes.map((node, index) => {
      const place = {
        x: (index % across) * (cell.width + GRID_GAP) + cell.width / 2,
        y: top + Math.floor(index / across) * (cell.height + GRID_GAP) + cell.height / 2,
      };
      const size = { width: cell.width, height: nodeSize(node).height };
      return drawNode(node, place, size, ` data-node="${first + index}"`);
    });
    first += nodes.length;
    top += Math.ceil(nodes.length / across) * (cell.height + GRID_GAP);
    widest = Math.max(widest, Math.min(across, nodes.length) * (cell.width + GRID_GAP) - GRID_GAP);
    return drawn;
  });
  return { lines, width: widest, height: top - GRID_GAP };
}

function gridOf(nodes: readonly PictureNode[], width: number): { cell: Size; across: number } {
  const sizes = nodes.map(nodeSize);
  const cell = {
    width: Math.max(0, ...sizes.map((size) => size.width)),
    height: Math.max(0, ...sizes.map((size) => size.height)),
  };
  return { cell, across: Math.max(1, Math.floor((width + GRID_GAP) / (cell.width + GRID_GAP))) };
}

function drawNode({ kind, lines, tooltip }: PictureNode, { x, y }: Point, size: Size, number: string): string {
  const top = textTop(kind, lines.length);
  const text = lines.map(
    (line, index) =>
      `<text class="${index === 0 ? "name" : "small"}" text-anchor="middle" y="${svgNumber(top + index * LINE)}">${svgText(line)}</text>`,
  );
  return `<g class="node ${kind}" transform="translate(${svgNumber(x)} ${svgNumber(y)})"${number}><title>${svgText(tooltip)}</title>${outline(kind, size)}${text.join("")}</g>`;
}

function headingLines({ name, namespace, mode }: GraphApplication): [string, string] {
  return [name, `namespace ${namespace} · mode ${mode}: ${EFFECT[mode]}`];
}

function headingSize(application: GraphApplication): Size {
  const [name, detail] = headingLines(application);
  return { width: Math.max(textWidth(name, NAME_SIZE, true), textWidth(detail, SMALL_SIZE)), height: 2 * LINE + 6 };
}

function drawApplication({ mode }: GraphApplication, { x, y, width, height }: Size & Point): string {
  return `<rect class="application ${mode}" x="${svgNumber(x)}" y="${svgNumber(y)}" width="${svgNumber(width)}" height="${svgNumber(height)}" rx="8"/>`;
}

/** Apart from its box, because arrows that cross it must not cover it. */
function drawHeading(application: GraphApplication, { x, y }: Point): string {
  const [name, detail] = headingLines(application);
  return `<g class="heading" transform="translate(${svgNumber(x + 12)} ${svgNumber(y)})"><text class="name" y="21">${svgText(name)}</text><text class="small" y="37">${svgText(detail)}</text></g>`;
}

function edgeLabelSize(text: string): Size {
  return { width: textWidth(text, SMALL_SIZE) + 12, height: LINE + 3 };
}

function drawEdge(edge: SceneEdge, { curve, tip, label }: Layout["edges"][number], number: string): string {
  const [start, ...rest] = [...curve, tip].map(({ x, y }) => `${svgNumber(x)} ${svgNumber(y)}`);
  const line = `<path d="M${start}C${rest.slice(0, -1).join(" ")}L${rest.at(-1)}" marker-end="url(#tip)"/>`;
  const text = label === undefined ? "" : drawEdgeLabel(edge.label, label);
  return `<g class="edge${edge.isLoose ? " loose" : ""}"${number}><title>${svgText(edge.sentence)}</title>${line}${text}</g>`;
}

/** On a background of the page's colour, because other arrows may cross it. */
function drawEdgeLabel(text: string, { x, y }: Point): string {
  const { width, height } = edgeLabelSize(text);
  const box = `<rect x="${svgNumber(x - width / 2)}" y="${svgNumber(y - height / 2)}" width="${svgNumber(width)}" height="${height}" rx="4"/>`;
  return `${box}<text class="small" text-anchor="middle" x="${svgNumber(x)}" y="${svgNumber(y + 4)}">${svgText(text)}</text>`;
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`the layout has no item ${index}`);
  return item;
}
