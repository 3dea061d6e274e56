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

/** What the shapes mean that occur in the picture, and the arrows, in rows of at most `maxWidth`. */
export function legendOf(
  occurring: ReadonlySet<NodeKind>,
  loose: boolean,
  maxWidth: number,
): Size & { lines: string[] } {
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
