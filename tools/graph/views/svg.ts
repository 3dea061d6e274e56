import { principalOf, spiffeId } from "../../base/spiffe-id.ts";
import type { GraphApplication, GraphEdge, MeshGraph } from "../mesh-graph.ts";
import { EFFECT } from "../permissions.ts";
import { type Layout, layOut, type Point, type Size } from "./layout.ts";
import {
  edgeLabel,
  edgeSentence,
  type NodeKind,
  nodeId,
  type PictureNode,
  pictureNodes,
  serviceId,
} from "./picture-nodes.ts";
import { outline } from "./shapes.ts";
import { SVG_STYLE } from "./svg-style.ts";
import { svgNumber, svgText } from "./svg-text.ts";
import { textWidth } from "./text-width.ts";

/** Font sizes of the style sheet, and the rest of the measures, all in pixels. */
const NAME_SIZE = 14;
const SMALL_SIZE = 11;
const LINE = 15;
const MARGIN = 16;
const HEADER = 48;
/** A legend breaks into rows where it is wider than the graph, but not below this. */
const LEGEND_WIDTH = 600;

/**
 * The graph as a picture: an SVG that needs nothing else, readable on light and dark pages, the same bytes for the same
 * graph. Services show ports and service account, tooltips the SPIFFE IDs; arrows are labelled where they are narrowed,
 * and dashed where the mode of the called application does not hold callers to them.
 */
export async function svgPicture(graph: MeshGraph): Promise<string> {
  const nodes = pictureNodes(graph);
  const sizes = nodes.map(nodeSize);
  const applications = graph.applications.filter(({ services }) => services.length > 0);
  const layout = await layOut({
    nodes: nodes.map(({ id, application }, index) => ({
      id,
      ...at(sizes, index),
      ...(application && { cluster: application }),
    })),
    clusters: applications.map((application) => ({ id: application.name, heading: headingSize(application) })),
    edges: graph.edges.map((edge) => {
      const text = edgeLabel(edge);
      return { from: nodeId(edge.from), to: serviceId(edge.to), ...(text !== "" && { label: edgeLabelSize(text) }) };
    }),
  });
  const enforced = new Set(graph.applications.filter(({ mode }) => mode === "enforce").map(({ name }) => name));
  const title = `Who may call whom in the mesh of ${graph.clusterName}`;
  const identities = `Identities: ${spiffeId(principalOf(graph.clusterName, "<namespace>", "<service account>"))}`;
  const legend = legendOf(nodes, enforced.size < graph.applications.length, Math.max(layout.width, LEGEND_WIDTH));
  const inner = Math.max(
    layout.width,
    legend.width,
    textWidth(title, NAME_SIZE, true),
    textWidth(identities, SMALL_SIZE),
  );
  const width = Math.ceil(inner + 2 * MARGIN);
  const height = Math.ceil(HEADER + layout.height + legend.height + 2 * MARGIN);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title desc">
<title id="title">${svgText(title)}</title>
<desc id="desc">${svgText(description(graph))}</desc>
<style>${SVG_STYLE}</style>
<defs><marker id="tip" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 1L10 5L0 9z"/></marker></defs>
<rect class="page" width="${width}" height="${height}"/>
<g transform="translate(${MARGIN} ${MARGIN})">
<text class="name" y="13">${svgText(title)}</text>
<text class="small" y="30">${svgText(identities)}</text>
</g>
<g transform="translate(${MARGIN} ${MARGIN + HEADER})">
${[
  ...applications.map((application, index) => drawApplication(application, at(layout.clusters, index))),
  ...graph.edges.map((edge, index) => drawEdge(edge, at(layout.edges, index), enforced.has(edge.to.application))),
  ...applications.map((application, index) => drawHeading(application, at(layout.clusters, index))),
  ...nodes.map((node, index) => drawNode(node, at(layout.nodes, index), at(sizes, index))),
].join("\n")}
</g>
<g transform="translate(${MARGIN} ${svgNumber(MARGIN + HEADER + layout.height)})">
${legend.lines.join("\n")}
</g>
</svg>
`;
}

function description({ applications, edges }: MeshGraph): string {
  const modes = applications.map(({ name, mode }) => `${name} is in mode ${mode}: ${EFFECT[mode]}.`);
  return [...modes, ...edges.map((edge) => `${edgeSentence(edge)}.`)].join("\n");
}

/** Cylinders and hexagons need more room around the text than rectangles. */
const ROOM: Readonly<Record<NodeKind, { x: number; y: number }>> = {
  service: { x: 12, y: 8 },
  entry: { x: 12, y: 8 },
  database: { x: 12, y: 13 },
  gateway: { x: 18, y: 8 },
  principal: { x: 14, y: 8 },
  anyone: { x: 22, y: 14 },
};

function nodeSize({ kind, lines: [name, ...details] }: PictureNode): Size {
  const widths = [textWidth(name, NAME_SIZE, true), ...details.map((text) => textWidth(text, SMALL_SIZE))];
  const { x, y } = ROOM[kind];
  return { width: Math.ceil(Math.max(...widths) + 2 * x), height: LINE * widths.length + 2 * y };
}

function drawNode({ kind, lines, tooltip }: PictureNode, { x, y }: Point, size: Size): string {
  // The text of a cylinder stands below its lid.
  const top = -(LINE * lines.length) / 2 + 11 + (kind === "database" ? 3 : 0);
  const text = lines.map(
    (line, index) =>
      `<text class="${index === 0 ? "name" : "small"}" text-anchor="middle" y="${svgNumber(top + index * LINE)}">${svgText(line)}</text>`,
  );
  return `<g class="node ${kind}" transform="translate(${svgNumber(x)} ${svgNumber(y)})"><title>${svgText(tooltip)}</title>${outline(kind, size)}${text.join("")}</g>`;
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

function drawEdge(edge: GraphEdge, { curve, tip, label }: Layout["edges"][number], enforced: boolean): string {
  const [start, ...rest] = [...curve, tip].map(({ x, y }) => `${svgNumber(x)} ${svgNumber(y)}`);
  const line = `<path d="M${start}C${rest.slice(0, -1).join(" ")}L${rest.at(-1)}" marker-end="url(#tip)"/>`;
  const text = label === undefined ? "" : drawEdgeLabel(edgeLabel(edge), label);
  return `<g class="edge${enforced ? "" : " loose"}"><title>${svgText(edgeSentence(edge))}</title>${line}${text}</g>`;
}

/** On a background of the page's colour, because other arrows may cross it. */
function drawEdgeLabel(text: string, { x, y }: Point): string {
  const { width, height } = edgeLabelSize(text);
  const box = `<rect x="${svgNumber(x - width / 2)}" y="${svgNumber(y - height / 2)}" width="${svgNumber(width)}" height="${height}" rx="4"/>`;
  return `${box}<text class="small" text-anchor="middle" x="${svgNumber(x)}" y="${svgNumber(y + 4)}">${svgText(text)}</text>`;
}

const MEANING: Readonly<Record<NodeKind, string>> = {
  anyone: "anyone, also from outside the mesh",
  gateway: "gateway",
  principal: "caller outside the applications shown",
  entry: "entry point: called by anyone or a gateway",
  service: "service",
  database: "service without HTTP (TCP)",
};

/** What the shapes mean that occur in the picture, in rows of at most `maxWidth`. */
function legendOf(nodes: readonly PictureNode[], loose: boolean, maxWidth: number): Size & { lines: string[] } {
  const occurring = new Set(nodes.map(({ kind }) => kind));
  const kinds = (Object.keys(MEANING) as NodeKind[]).filter((kind) => occurring.has(kind));
  const swatch = { width: 26, height: 16 };
  const arrow = `<path d="M${-swatch.width / 2} 0H${swatch.width / 2}" marker-end="url(#tip)"/>`;
  const entries = [
    ...kinds.map((kind) => ({ className: `node ${kind}`, shape: outline(kind, swatch), meaning: MEANING[kind] })),
    { className: "edge", shape: arrow, meaning: "may call; with a label, only as it says" },
    ...(loose ? [{ className: "edge loose", shape: arrow, meaning: "stated, but not enforced" }] : []),
  ];
  let [x, y, width] = [0, 26, 0];
  const lines = entries.map(({ className, shape, meaning }) => {
    const entryWidth = swatch.width + 7 + textWidth(meaning, SMALL_SIZE);
    if (x > 0 && x + entryWidth > maxWidth) [x, y] = [0, y + 24];
    const place = `translate(${svgNumber(x + swatch.width / 2)} ${y})`;
    width = Math.max(width, x + entryWidth);
    x += entryWidth + 18;
    return `<g class="${className}" transform="${place}">${shape}<text class="small" x="${swatch.width / 2 + 7}" y="4">${svgText(meaning)}</text></g>`;
  });
  return { lines, width, height: y + 14 };
}

function at<Item>(items: readonly Item[], index: number): Item {
  const item = items[index];
  if (item === undefined) throw new Error(`the layout has no item ${index}`);
  return item;
}
