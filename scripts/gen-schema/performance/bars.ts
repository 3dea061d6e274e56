import { figure, type Series } from "../../../tests/bench/support/result.ts";
import { element, label, labelWidth, MARGIN, picture, WIDTH } from "./svg.ts";

const ROW = 24;
const TOP = 58;

/** A series as bars, one under the other, with the spread of the rounds, the value and its ratio beside each. */
export function bars(title: string, { name, unit, points }: Series): string {
  const values = points.map(
    ({ value, ratio }) => `${figure(value)} ${unit}${ratio === undefined ? "" : ` (${figure(ratio)} ×)`}`,
  );
  const left = MARGIN + Math.max(...points.map(({ x }) => labelWidth(String(x)))) + 10;
  const right = Math.max(...values.map(labelWidth)) + 8 + MARGIN;
  const most = Math.max(...points.map(({ value, high = value }) => high));
  const scale = (WIDTH - left - right) / most;
  const rows = points.map(({ x, value, low, high, ratio }, index) => {
    const y = TOP + index * ROW;
    const end = left + Math.max(value, high ?? value) * scale;
    return [
      label(String(x), { x: left - 8, y: y + 13, anchor: "end" }),
      element("rect", {
        class: ratio === 1 ? "reference" : "bar",
        x: left,
        y,
        width: Math.max(value * scale, 1),
        height: ROW - 7,
      }),
      ...(low === undefined || high === undefined
        ? []
        : [element("path", { class: "spread", d: spread(left, y + (ROW - 7) / 2, low * scale, high * scale) })]),
      label(values[index] ?? "", { x: end + 6, y: y + 13 }),
    ].join("\n");
  });
  const spoken = points.map(({ x }, index) => `${x}: ${values[index]}`).join("; ");
  const caption = `${name}, ${unit}; the line is the spread of all rounds`;
  return picture(title, spoken, TOP + points.length * ROW + 8, [
    label(caption, { x: MARGIN, y: 44, class: "small" }),
    ...rows,
  ]);
}

function spread(left: number, y: number, low: number, high: number): string {
  const [from, to] = [left + low, left + high].map((x) => x.toFixed(1));
  return `M${from} ${y}H${to}M${from} ${y - 4}v8M${to} ${y - 4}v8`;
}
