import { expect, it } from "vitest";
import { graphs } from "../../../scripts/gen-schema/performance/graphs.ts";
import { loadModel } from "../../../scripts/gen-schema/performance/load-model.ts";
import { performancePage } from "../../../scripts/gen-schema/performance/page.ts";
import { ratioTable } from "../../bench/support/ratio-table.ts";
import { makeResult, point, type Result, type Series } from "../../bench/support/result.ts";

const result = (bench: string, series: Series[]): Result =>
  makeResult({
    bench,
    title: `All of ${bench}`,
    command: `npm run ${bench}`,
    x: "services",
    series,
    notes: ["A note."],
  });

const RENDER = result("chart-render", [
  { name: "CPU", unit: "ms", points: [point("ours & <theirs>", [10, 20, 30], 20), point("SPIRE's", [40, 50, 60], 20)] },
  { name: "objects", unit: "", points: [point("ours & <theirs>", [14])] },
]);
const SIZE = result("release-size", [
  { name: "Helm's record, alike", unit: "bytes", points: [point(1, [100_000]), point(3000, [320_000])] },
  { name: "Helm's record, random", unit: "bytes", points: [point(1, [100_000]), point(5000, [1_000_000])] },
  { name: "counted", unit: "bytes", points: [point(1, [99_000])] },
]);
const byName = (...results: Result[]) => new Map(results.map((one) => [one.bench, one]));

it("draws bars for what has names and lines for what grows, in light and dark, and nothing that is not measured", () => {
  const drawn = graphs(byName(RENDER, SIZE));
  expect([...drawn.keys()]).toEqual(["chart-render.svg", "release-size.svg"]);
  const bars = drawn.get("chart-render.svg") ?? "";
  expect(bars).toContain("ours &amp; &lt;theirs></text>");
  expect(bars).toContain(">50 ms (2.5 ×)</text>");
  expect(bars.match(/class="bar"|class="reference"/g)).toEqual(['class="reference"', 'class="bar"']);
  const lines = drawn.get("release-size.svg") ?? "";
  expect(lines.match(/class="dot /g)).toHaveLength(4);
  expect(lines).toContain(">what Kubernetes takes in a Secret</text>");
  expect(lines).not.toContain("counted");
  for (const picture of drawn.values()) expect(picture).toContain("@media (prefers-color-scheme:dark)");
});

it("a label of a line is not drawn over another", () => {
  const same = ["one", "two"].map((name) => ({
    name: `Helm's record, ${name}`,
    unit: "bytes",
    points: [point(1, [100]), point(10, [900])],
  }));
  const picture = graphs(byName(result("release-size", same))).get("release-size.svg") ?? "";
  const places = [...picture.matchAll(/<text x="[\d.]+" y="([\d.]+)">(?:one|two)</g)].map(([, y]) => Number(y));
  expect(Math.abs((places[0] ?? 0) - (places[1] ?? 0))).toBeGreaterThanOrEqual(15);
});

const PAGE =
  "# P\n<!-- ratios -->\nold\n<!-- end -->\nby hand\n<!-- result: chart-render -->\nold\n<!-- end -->\n<!-- result: later -->\n<!-- end -->\n";

it("fills the places of a page, and leaves the rest as it is", () => {
  const page = performancePage(PAGE, byName(RENDER), new Set(["chart-render.svg"]));
  expect(page).toContain("by hand\n");
  expect(page).not.toContain("old\n");
  expect(page).toContain("![All of chart-render](chart-render.svg)\n\n| services | CPU, ms | objects |\n");
  expect(page).toContain("- A note.\n- `npm run chart-render`: ");
  expect(page).toContain("<!-- result: later -->\nNot measured yet.\n<!-- end -->");
  expect(performancePage(page, byName(RENDER), new Set(["chart-render.svg"]))).toBe(page);
});

it("refuses a result that the page has no place for", () => {
  expect(() => performancePage(PAGE, byName(RENDER, SIZE), new Set())).toThrow("has no place for release-size: add");
});

it("tells ratios by name, many of them as a range", () => {
  const many = {
    name: "CPU",
    unit: "ms",
    points: [1, 2, 3, 4, 5, 6].map((times) => point(`x${times}`, [times * 10], 10)),
  };
  // Each compared with the same size in another series: none of them is the reference.
  const sizes = { name: "with", unit: "ms", points: [point(100, [10], 10), point(1000, [30], 20)] };
  expect(
    ratioTable([RENDER, result("start-up", [many]), result("istiod-push", [sizes])])
      .split("\n")
      .slice(2),
  ).toEqual([
    "| All of chart-render | CPU | ours & <theirs> | 2.5 (SPIRE's) |",
    "| All of start-up | CPU | x1 | 2 (x2) to 6 (x6) |",
    "| All of istiod-push | with | see below | 1 (100), 1.5 (1,000) |",
    "",
  ]);
});

const CONSTANTS = result("teleport-load", [
  {
    name: "amount",
    unit: "",
    points: [
      point("joins of a tbot in one renewal interval of its own", [1]),
      point("working credentials of a tbot in one renewal interval of its own", [1]),
      point("SVIDs of a sidecar in one renewal interval", [2]),
      point("SVIDs of a sidecar at its start", [2]),
      point("streams of a sidecar to tbot", [2]),
      point("connections of a tbot to Teleport", [4]),
    ],
  },
  { name: "bytes", unit: "B", points: [point("an SVID", [5000]), point("an SVID's audit event", [1000])] },
  { name: "CPU of what plays Teleport", unit: "ms", points: [point("an SVID", [3])] },
]);

it("marks a ratio whose rounds overlap with those of what it is compared with", () => {
  const names = [
    point("istiod's CA", [88, 43, 114], 88),
    point("ours", [54, 30, 200], 88),
    point("theirs", [20, 30, 40], 88),
  ];
  const without = { name: "without", unit: "ms", points: [point(100, [5, 3, 27]), point(1000, [10, 11, 12])] };
  const policies = { name: "with", unit: "ms", points: [point(100, [8, 4, 15], 5), point(1000, [30, 29, 31], 11)] };
  const table = ratioTable([
    result("a", [{ name: "p99", unit: "ms", points: names }]),
    result("b", [without, policies]),
  ]);
  expect(table).toContain("| p99 | istiod's CA | ~0.614 (ours), 0.341 (theirs) |");
  expect(table).toContain("| with | see below | ~1.6 (100), 2.73 (1,000) |");
});

it("reckons what 1,000 nodes of 50 pods ask of Teleport", () => {
  const model = loadModel(CONSTANTS);
  // 50,000 sidecars, 2 SVIDs each, 6 times an hour; 1,000 tbots that join 3 times an hour.
  expect(model).toContain("| defaults | 3,000 | 3,000 | 600,000 | 167 | 3 | 0.6 | 0.5 |");
  expect(model).toContain("are 100,000 SVIDs: 1,667 a second");
  expect(model).toContain("Streams open at Teleport: 4,000");
});

it("says so where the constants are missing, and fails for a constant that is gone", () => {
  expect(loadModel(undefined)).toBe("The constants are not measured yet.\n");
  expect(() => loadModel({ ...CONSTANTS, series: [] })).toThrow('teleport-load.json has no "joins of a tbot');
});
