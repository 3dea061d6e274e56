import { LINE, SMALL_SIZE, textTop } from "../../views/node-size.ts";
import { shapeOf } from "../../views/shapes.ts";
import { textWidth } from "../../views/text-width.ts";
import type { More, Placed, PlacedEdge, PlacedNode } from "./focus-layout.ts";
import type { Model } from "./model.ts";

const SVG = "http://www.w3.org/2000/svg";

/** How many labels of arrows can be told apart; with more of them, only the tooltips say it. */
const MOST_LABELS = 60;

/** Draws what was placed. Text comes in as text only: nothing here is parsed as markup. */
export function drawing(model: Model, placed: Placed, centre: number | undefined): SVGSVGElement {
  const svg = element("svg", { viewBox: `0 0 ${placed.width} ${placed.height}`, class: "picture" });
  const hasLabels = placed.edges.filter(({ edge }) => model.edges[edge]?.[2] !== undefined).length <= MOST_LABELS;
  svg.append(
    ...placed.edges.map((edge) => edgeElement(model, edge)),
    ...(hasLabels ? placed.edges.flatMap((edge) => labelElement(model, edge)) : []),
    ...placed.nodes.map((node) => nodeElement(model, node, node.node === centre)),
    ...placed.more.map(moreElement),
  );
  return svg;
}

function nodeElement(model: Model, placed: PlacedNode, isCentre: boolean): SVGElement {
  const { node, x, y, width, height, lines } = placed;
  const data = model.nodes[node];
  const kind = data?.kind ?? "service";
  const group = element("g", {
    class: `node ${kind}${isCentre ? " centre" : ""}`,
    transform: `translate(${x} ${y})`,
    "data-node": `${node}`,
  });
  const { element: name, attributes } = shapeOf(kind, { width, height });
  const top = textTop(kind, lines.length);
  group.append(
    titleElement(data?.principal === undefined ? (data?.label ?? "") : `spiffe://${data.principal}`),
    element(name, { ...attributes, class: "shape" }),
    ...lines.map((line, index) =>
      textElement(line, {
        class: index === 0 ? "name" : "small",
        "text-anchor": "middle",
        y: `${top + index * LINE}`,
      }),
    ),
  );
  return group;
}

function moreElement({ x, y, width, height, count }: More): SVGElement {
  const group = element("g", { class: "node more", transform: `translate(${x} ${y})`, "data-more": "" });
  group.append(
    element("rect", {
      class: "shape",
      x: `${-width / 2}`,
      y: `${-height / 2}`,
      width: `${width}`,
      height: `${height}`,
      rx: "15",
    }),
    textElement(`${count} more`, { class: "small", "text-anchor": "middle", y: "4" }),
  );
  return group;
}

function edgeElement(model: Model, { edge, d, isAside }: PlacedEdge): SVGElement {
  const [from = 0, to = 0, label] = model.edges[edge] ?? [];
  const called = model.nodes[to];
  const mode = called?.application === undefined ? "enforce" : model.applications[called.application]?.mode;
  const classes = ["edge", ...(mode === "enforce" ? [] : ["loose"]), ...(isAside ? ["aside"] : [])];
  const group = element("g", { class: classes.join(" ") });
  const sentence = `${model.nodes[from]?.label} → ${called?.label}${label === undefined ? "" : `: ${label}`}`;
  group.append(titleElement(sentence), element("path", { d, "marker-end": "url(#tip)" }));
  return group;
}

function labelElement(model: Model, { edge, middle }: PlacedEdge): SVGElement[] {
  const label = model.edges[edge]?.[2];
  if (label === undefined) return [];
  const width = textWidth(label, SMALL_SIZE) + 12;
  const group = element("g", { class: "edge" });
  group.append(
    element("rect", {
      x: `${middle.x - width / 2}`,
      y: `${middle.y - 9}`,
      width: `${width}`,
      height: "18",
      rx: "4",
    }),
    textElement(label, { class: "small", "text-anchor": "middle", x: `${middle.x}`, y: `${middle.y + 4}` }),
  );
  return [group];
}

function titleElement(text: string): SVGElement {
  return textElement(text, {}, "title");
}

function textElement(text: string, attributes: Record<string, string>, name = "text"): SVGElement {
  const made = element(name as "text", attributes);
  made.textContent = text;
  return made;
}

function element<Name extends keyof SVGElementTagNameMap>(
  name: Name,
  attributes: Readonly<Record<string, string>>,
): SVGElementTagNameMap[Name] {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
