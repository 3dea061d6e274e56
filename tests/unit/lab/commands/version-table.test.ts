import { describe, expect, it } from "vitest";
import { passes, sliceResult, versionPairs, versionTable } from "../../../../lab/commands/version-table.ts";

describe("versionPairs", () => {
  it("is every Kubernetes with every Istio, CI's pair first", () => {
    const pairs = versionPairs({}).map(({ kubernetes, istio }) => `${kubernetes}×${istio}`);
    expect(pairs).toEqual(["1.37×1.31", "1.37×1.30", "1.35×1.31", "1.35×1.30", "1.33×1.31", "1.33×1.30"]);
  });

  it("is what the environment leaves of them", () => {
    expect(versionPairs({ istio: "1.30" }).map(({ kubernetes }) => kubernetes)).toEqual(["1.37", "1.35", "1.33"]);
    expect(versionPairs({ kubernetes: "1.33", istio: "1.30" })).toEqual([{ kubernetes: "1.33", istio: "1.30" }]);
  });
});

describe("sliceResult", () => {
  const report = (numPassedTests: number, numFailedTests: number, success: boolean) =>
    sliceResult(JSON.stringify({ numPassedTests, numFailedTests, success }));

  it("counts what passed and failed, and a failed hook as a failure", () => {
    expect(report(4, 0, true)).toEqual({ passed: 4, failed: 0 });
    expect(report(3, 2, false)).toEqual({ passed: 3, failed: 2 });
    expect(report(0, 0, false)).toEqual({ passed: 0, failed: 1 });
  });
});

describe("the table", () => {
  const good = Array.from({ length: 7 }, () => ({ passed: 4, failed: 0 }));

  it("says of each pair and part what was run, and nothing of what was not", () => {
    const rows = [
      { versions: { kubernetes: "1.37", istio: "1.31" }, results: [...good.slice(1), { passed: 3, failed: 2 }] },
      { versions: { kubernetes: "1.33", istio: "1.30" }, results: [{ passed: 0, failed: 1 }] },
    ] as const;
    const [header, , first, second] = versionTable(rows).split("\n");
    expect(header).toMatch(/^\| Kubernetes \| Istio \| join, installation \| .* \| fail-closed \|$/);
    expect(first).toMatch(/^\| 1\.37 \| 1\.31 \| (4 passed \| ){6}2 of 5 failed \|$/);
    expect(second).toMatch(/^\| 1\.33 \| 1\.30 \| 1 of 1 failed \| (not run \| ){5}not run \|$/);
  });

  it.each([
    ["all parts passed", good, true],
    ["a part failed", [...good.slice(1), { passed: 3, failed: 1 }], false],
    ["a part ran no test", [...good.slice(1), { passed: 0, failed: 0 }], false],
    ["a part was not run", good.slice(1), false],
  ])("is good or not: %s", (_what, results, expected) => {
    expect(passes(results)).toBe(expected);
  });
});
