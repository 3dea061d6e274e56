import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { emptyOutput } from "../../../../scripts/release/output.ts";

let dir: string;
let root: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "output-"));
  root = join(dir, "checkout");
  for (const folder of ["out/release", "out-of-tree", "chart"]) {
    await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, folder, "file"), "");
  }
});
afterEach(() => rm(dir, { recursive: true }));

it.each([".", "..", "chart", "out", "out/..", "out-of-tree", "out/../chart"])(
  "refuses to delete %s",
  async (output) => {
    await expect(emptyOutput(root, output)).rejects.toThrow(`--output ${output} is a folder with files`);
    expect(await readdir(join(root, "chart"))).toEqual(["file"]);
  },
);

it.each(["out/release", "out/another/one", "../beside"])("empties or makes %s", async (output) => {
  expect(await readdir(await emptyOutput(root, output))).toEqual([]);
});
