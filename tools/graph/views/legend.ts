import type { Size } from "./layout.ts";
import { SMALL_SIZE } from "./node-size.ts";
import type { NodeKind } from "./picture-nodes.ts";
import { outline } from "./shapes.ts";
import { svgNumber, svgText } from "./svg-text.ts";
import { textWidth } from "./text-width.ts";

/** What each shape stands for. */
const MEANING: Readonly<Record<NodeKind, string>> = {
  anyone: "anyone, also from outside the mesh",
  gateway: "gateway",
  principal: "caller outside the applications shown",
  entry: "entry point: called by anyone or a gateway",
  service: "service",
  database: "service without HTTP (TCP)",
};

/** A shape or an arrow, and what it means. */
export interface LegendEntry {
  className: string;
  /** An element of SVG around its own centre, `SWATCH` large. */
  shape: string;
  meaning: string;
}

export const SWATCH: Size = { width: 26, height: 16 };

/** What the shapes mean that occur in the picture, and the arrows. */
export function legendEntries(occurring: ReadonlySet<NodeKind>, loose: boolean): LegendEntry[] {
  const kinds = (Object.keys(MEANING) as NodeKind[]).filter((kind) => occurring.has(kind));
  const arrow = `<path d="M${-SWATCH.width / 2} 0H${SWATCH.width / 2}" marker-end="url(#tip)"/>`;
  return [
    ...kinds.map((kind) => ({ className: `node ${kind}`, shape: outline(kind, SWATCH), meaning: MEANING[kind] })),
    { className: "edge", shape: arrow, meaning: "may call; with a label, only as it says" },
    ...(loose ? [{ className: "edge loose", shape: arrow, meaning: "stated, but not enforced" }] : []),
  ];
}

/** The entries as part of a picture, in rows of at most `maxWidth`. */
export function drawLegend(entries: readonly LegendEntry[], maxWidth: number): Size & { lines: string[] } {
  let [x, y, width] = [0, 26, 0];
  const lines = entries.map(({ className, shape, meaning }) => {
    const entryWidth = SWATCH.width + 7 + textWidth(meaning, SMALL_SIZE);
    if (x > 0 && x + entryWidth > maxWidth) [x, y] = [0, y + 24];
    const place = `translate(${svgNumber(x + SWATCH.width / 2)} ${y})`;
    width = Math.max(width, x + entryWidth);
    x += entryWidth + 18;
    return `<g class="${className}" transform="${place}">${shape}<text class="small" x="${SWATCH.width / 2 + 7}" y="4">${svgText(meaning)}</text></g>`;
  });
  return { lines, width, height: y + 14 };
}
