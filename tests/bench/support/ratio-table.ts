import { figure, type Point, type Result, type Series } from "./result.ts";

/** More are told as a range. */
const FEW = 4;

/** What was compared in several results, as one Markdown table: a row for each series that has ratios. `~` marks a ratio within the spread. */
export function ratioTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ title, series }) =>
    series.flatMap(({ name, points }) => {
      const compared = points.filter(({ ratio }) => ratio !== undefined);
      // Over numbers, each point is compared with one of another series.
      const reference = compared.find(({ x, ratio }) => typeof x === "string" && ratio === 1);
      const others = compared.filter((point) => point !== reference);
      if (others.length === 0) return [];
      return [
        [
          title,
          name,
          reference === undefined ? "see below" : String(reference.x),
          told(others, (point) => reference ?? sameElsewhere(point, series)),
        ],
      ];
    }),
  );
  const head = [
    ["measured", "series", "beside", "times as much"],
    ["---", "---", "---", "---"],
  ];
  return [...head, ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function told(points: readonly Point[], referenceOf: (point: Point) => Point | undefined): string {
  const text = (point: Point) =>
    `${overlap(point, referenceOf(point)) ? "~" : ""}${figure(point.ratio ?? 1)} (${figure(point.x)})`;
  if (points.length <= FEW) return points.map(text).join(", ");
  const sorted = points.toSorted((a, b) => (a.ratio ?? 0) - (b.ratio ?? 0));
  return [sorted[0], sorted.at(-1)]
    .filter((point) => point !== undefined)
    .map(text)
    .join(" to ");
}

/** The point of another series that a point was compared with: it stands at the same x, and the ratio leads to it. */
function sameElsewhere({ x, value, ratio = 1 }: Point, series: readonly Series[]): Point | undefined {
  return series
    .flatMap(({ points }) => points)
    .find((other) => other.x === x && other.ratio === undefined && Math.abs(other.value * ratio - value) < value / 100);
}

/** Whether the rounds of two points have values in common, so that another run may tell them apart the other way round. */
function overlap({ low, high }: Point, reference: Point | undefined): boolean {
  if (low === undefined || high === undefined) return false;
  const { low: least, high: most } = reference ?? {};
  return least !== undefined && most !== undefined && low <= most && least <= high;
}
