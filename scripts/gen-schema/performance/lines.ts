import { figure, type Series } from "../../../tests/bench/support/result.ts";
import { element, label, labelWidth, MARGIN, picture, WIDTH } from "./svg.ts";

const HEIGHT = 340;
const TOP = 62;
const BOTTOM = HEIGHT - 44;
const LEFT = 86;

/** What is drawn: series over numbers, of one unit. */
interface Lines {
  readonly title: string;
  /** What the points stand at. */
  readonly x: string;
  readonly series: readonly Series[];
  /** A value that a line crosses the page at. */
  readonly limit?: { readonly name: string; readonly value: number };
}

/** Series as lines on logarithmic scales, on which what grows with the graph is straight; the name of each at its end. */
export function lines({ title, x, series, limit }: Lines): string {
  const points = series.flatMap((each) => each.points);
  const shared = beginning(series.map(({ name }) => name));
  const right = Math.max(...series.map(({ name }) => labelWidth(name.slice(shared.length))));
  const across = scaleOf(
    points.map((each) => Number(each.x)),
    LEFT,
    WIDTH - MARGIN - right - 14,
  );
  const up = scaleOf(
    [...points.flatMap(({ value, low = value, high = value }) => [low, high]), ...(limit ? [limit.value] : [])],
    BOTTOM,
    TOP,
  );
  const unit = series[0]?.unit ?? "";
  const parts = [
    label(`${shared}${unit} (logarithmic)`, { x: MARGIN, y: 46, class: "small" }),
    label(x, { x: (LEFT + across.end) / 2, y: HEIGHT - 8, anchor: "middle", class: "small" }),
    ...up.ticks.map((tick) => element("path", { class: "grid", d: `M${LEFT} ${up.at(tick)}H${across.end}` })),
    ...up.ticks.map((tick) => label(figure(tick), { x: LEFT - 8, y: up.at(tick) + 4, anchor: "end", class: "small" })),
    ...across.ticks.map((tick) =>
      label(figure(tick), { x: across.at(tick), y: BOTTOM + 18, anchor: "middle", class: "small" }),
    ),
  ];
  if (limit !== undefined) {
    parts.push(
      element("path", {
        class: "spread",
        "stroke-dasharray": "6 4",
        d: `M${LEFT} ${up.at(limit.value)}H${across.end}`,
      }),
      label(limit.name, { x: LEFT + 6, y: up.at(limit.value) + 16 }),
    );
  }
  // Below the line of the limit, at which series may end.
  const below = limit === undefined ? 0 : 12;
  const ends = apart(series.map(({ points: own }) => up.at(own.at(-1)?.value ?? 1) + below));
  for (const [index, { name, points: own }] of series.entries()) {
    const color = `s${index % 4}`;
    const places = own.map((each) => ({ ...each, px: across.at(Number(each.x)), py: up.at(each.value) }));
    const last = places.at(-1);
    if (last === undefined) continue;
    parts.push(
      element("path", { class: `line ${color}`, d: `M${places.map(({ px, py }) => `${px} ${py}`).join("L")}` }),
    );
    for (const { px, py, low, high } of places) {
      if (low !== undefined && high !== undefined) {
        parts.push(element("path", { class: `line range ${color}`, d: `M${px} ${up.at(low)}V${up.at(high)}` }));
      }
      parts.push(element("circle", { class: `dot ${color}`, cx: px, cy: py, r: 3.5 }));
    }
    parts.push(label(name.slice(shared.length), { x: last.px + 8, y: (ends[index] ?? last.py) + 4 }));
  }
  const spoken = series.map(
    ({ name, points: own }) =>
      `${name}: ${own.map((each) => `${figure(each.x)} ${x}, ${figure(each.value)} ${unit}`).join("; ")}`,
  );
  return picture(title, spoken.join(". "), HEIGHT, parts);
}

/** What several names begin with alike, up to a comma: it is told once. */
function beginning(names: readonly string[]): string {
  const [first = "", ...others] = names;
  const end = first.lastIndexOf(", ") + 2;
  const start = first.slice(0, end);
  return others.length > 0 && end > 1 && others.every((name) => name.startsWith(start)) ? start : "";
}

/** Places of labels that would lie on each other, moved down until they don't. */
function apart(places: readonly number[]): number[] {
  const moved = [...places];
  const order = places.map((_, index) => index).toSorted((a, b) => (places[a] ?? 0) - (places[b] ?? 0));
  for (const [rank, index] of order.entries()) {
    const above = moved[order[rank - 1] ?? -1];
    if (above !== undefined) moved[index] = Math.max(moved[index] ?? 0, above + 15);
  }
  return moved;
}

function scaleOf(values: readonly number[], start: number, end: number) {
  const [least, most] = [Math.log10(Math.min(...values)), Math.log10(Math.max(...values))];
  const span = most - least || 1;
  const at = (value: number) => Math.round((start + ((Math.log10(value) - least) / span) * (end - start)) * 10) / 10;
  const steps = span > 2.2 ? [1] : [1, 2, 5];
  const ticks: number[] = [];
  for (let power = Math.floor(least); power <= most; power++) {
    for (const step of steps) ticks.push(Number((step * 10 ** power).toPrecision(3)));
  }
  return {
    at,
    end,
    ticks: ticks.filter((tick) => Math.log10(tick) >= least - 0.001 && Math.log10(tick) <= most + 0.001),
  };
}
