import { figure, type Point, type Result } from "./result.ts";

/** More are told as a range. */
const FEW = 4;

/** What was compared in several results, as one Markdown table: a row for each series that has ratios. */
export function ratioTable(results: readonly Result[]): string {
  const rows = results.flatMap(({ title, series }) =>
    series.flatMap(({ name, points }) => {
      const compared = points.filter(({ ratio }) => ratio !== undefined);
      // Over numbers, each point is compared with one of another series.
      const reference = compared.find(({ x, ratio }) => typeof x === "string" && ratio === 1);
      const others = compared.filter((point) => point !== reference);
      if (others.length === 0) return [];
      return [[title, name, reference === undefined ? "see below" : String(reference.x), told(others)]];
    }),
  );
  const head = [
    ["measured", "series", "beside", "times as much"],
    ["---", "---", "---", "---"],
  ];
  return [...head, ...rows].map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function told(points: readonly Point[]): string {
  const text = ({ x, ratio = 1 }: Point) => `${figure(ratio)} (${figure(x)})`;
  if (points.length <= FEW) return points.map(text).join(", ");
  const sorted = points.toSorted((a, b) => (a.ratio ?? 0) - (b.ratio ?? 0));
  return [sorted[0], sorted.at(-1)]
    .filter((point) => point !== undefined)
    .map(text)
    .join(" to ");
}
