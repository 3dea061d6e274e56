import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { joined, misplaced } from "../../../../lab/commands/two-labs.ts";
import { labPaths, secondLabPaths } from "../../../../lab/machine/paths.ts";
import { repositoryPath } from "../../../support/run-helm.ts";

test("each file of lab tests is in one half; the installation is in both", () => {
  expect(misplaced(repositoryPath("tests/lab"))).toEqual([]);
});

test("a file in no half and one in both are named", () => {
  const folder = mkdtempSync(join(tmpdir(), "halves-"));
  for (const file of ["01-a.test.ts", "06-b.test.ts", "99-new.test.ts"]) writeFileSync(join(folder, file), "");
  expect(misplaced(folder)).toEqual(["99-new.test.ts"]);
});

test("the second lab has a folder and a name of its own", () => {
  const env = { LAB_CACHE_DIR: "/cache" };
  expect(secondLabPaths(env).root).toBe("/cache-second");
  expect(secondLabPaths(env).name).not.toBe(labPaths(env).name);
});

test("the results of both halves are one report, and a half without a report fails", () => {
  const folder = mkdtempSync(join(tmpdir(), "halves-"));
  const [first, second] = [join(folder, "r.0"), join(folder, "r.1")];
  writeFileSync(first, JSON.stringify({ testResults: [{ name: "a", status: "passed" }] }));
  const { testResults } = joined([first, second]);
  expect(testResults).toMatchObject([
    { name: "a", status: "passed" },
    { name: second, status: "failed" },
  ]);
  expect(existsSync(first)).toBe(false);
});
