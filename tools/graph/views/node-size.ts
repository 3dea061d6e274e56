import type { Size } from "./layout.ts";
import type { NodeKind, PictureNode } from "./picture-nodes.ts";
import { textWidth } from "./text-width.ts";

/** Font sizes of the style sheets and the height of a line, all in pixels. */
export const NAME_SIZE = 14;
export const SMALL_SIZE = 11;
export const LINE = 15;

/** Cylinders and hexagons need more room around the text than rectangles. */
const ROOM: Readonly<Record<NodeKind, { x: number; y: number }>> = {
  service: { x: 12, y: 8 },
  entry: { x: 12, y: 8 },
  database: { x: 12, y: 13 },
  gateway: { x: 18, y: 8 },
  principal: { x: 14, y: 8 },
  anyone: { x: 22, y: 14 },
};

/** How large the outline of a node is. */
export function nodeSize({ kind, lines: [name, ...details] }: Pick<PictureNode, "kind" | "lines">): Size {
  const widths = [textWidth(name, NAME_SIZE, true), ...details.map((text) => textWidth(text, SMALL_SIZE))];
  const { x, y } = ROOM[kind];
  return { width: Math.ceil(Math.max(...widths) + 2 * x), height: LINE * widths.length + 2 * y };
}

/** Where its first line of text stands, from its centre. The text of a cylinder stands below its lid. */
export function textTop(kind: NodeKind, lines: number): number {
  return -(LINE * lines) / 2 + 11 + (kind === "database" ? 3 : 0);
}
