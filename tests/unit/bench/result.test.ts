import { expect, test } from "vitest";
import { makeResult, markdownTable, median, point } from "../../bench/support/result.ts";

test("a point is the median of its rounds, with their spread and the ratio to a reference", () => {
  expect(median([3, 1, 2])).toBe(2);
  expect(median([4, 1, 2, 3])).toBe(2.5);
  expect(point(100, [3, 1, 2.00004], 4)).toEqual({ x: 100, value: 2, low: 1, high: 3, ratio: 0.5 });
  expect(point("once", [7])).toEqual({ x: "once", value: 7 });
  expect(() => point("never", [])).toThrow("no round measured never");
});

test("the table has a row for each x and a column for each series, also where one has no point", () => {
  const series = [
    { name: "ours", unit: "s", points: [point(1000, [1.2345, 1.3], 2), point(3000, [12_345])] },
    { name: "objects", unit: "", points: [point(3000, [9])] },
  ];
  expect(markdownTable({ x: "services", series })).toBe(
    [
      "| services | ours, s | objects |",
      "| --: | --: | --: |",
      "| 1,000 | 1.27 (1.23 to 1.3), 0.634 × |  |",
      "| 3,000 | 12,345 | 9 |",
      "",
    ].join("\n"),
  );
});

test("a result says the machine and the day, and survives JSON", () => {
  const result = makeResult({ bench: "b", title: "t", command: "c", x: "x", series: [], notes: [] });
  expect(result.machine.cores).toBeGreaterThan(0);
  expect(Date.parse(result.date)).toBeGreaterThan(0);
  expect(JSON.parse(JSON.stringify(result))).toEqual(result);
});
