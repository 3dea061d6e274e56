import { principalOf, spiffeId } from "../../base/spiffe-id.ts";
import type { MeshGraph } from "../mesh-graph.ts";
import { EFFECT } from "../permissions.ts";
import { drawLegend, legendEntries } from "./legend.ts";
import { NAME_SIZE, SMALL_SIZE } from "./node-size.ts";
import { draw, wholeScene } from "./picture.ts";
import { edgeSentence } from "./picture-nodes.ts";
import { SVG_STYLE } from "./svg-style.ts";
import { svgNumber, svgText } from "./svg-text.ts";
import { textWidth } from "./text-width.ts";

/** Measures in pixels. */
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
  const scene = wholeScene(graph);
  const drawing = await draw(scene);
  const title = `Who may call whom in the mesh of ${graph.clusterName}`;
  const identities = `Identities: ${spiffeId(principalOf(graph.clusterName, "<namespace>", "<service account>"))}`;
  const kinds = new Set(scene.nodes.map(({ kind }) => kind));
  const isLoose = graph.applications.some(({ mode }) => mode !== "enforce");
  const legend = drawLegend(legendEntries(kinds, isLoose), Math.max(drawing.width, LEGEND_WIDTH));
  const inner = Math.max(
    drawing.width,
    legend.width,
    textWidth(title, NAME_SIZE, true),
    textWidth(identities, SMALL_SIZE),
  );
  const width = Math.ceil(inner + 2 * MARGIN);
  const height = Math.ceil(HEADER + drawing.height + legend.height + 2 * MARGIN);
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
${drawing.lines.join("\n")}
</g>
<g transform="translate(${MARGIN} ${svgNumber(MARGIN + HEADER + drawing.height)})">
${legend.lines.join("\n")}
</g>
</svg>
`;
}

function description({ applications, edges }: MeshGraph): string {
  const modes = applications.map(({ name, mode }) => `${name} is in mode ${mode}: ${EFFECT[mode]}.`);
  return [...modes, ...edges.map((edge) => `${edgeSentence(edge)}.`)].join("\n");
}
