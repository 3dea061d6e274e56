import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { kept } from "../support/kept.ts";

/** Renders are kept in the process that runs many of these files: none may be of another chart than the one on disk. */

let dir: string;
let made = 0;
const render = (...args: string[]) => kept(dir, args, async () => ++made);

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "kept-renders-"));
  await writeFile(join(dir, "a.yaml"), "a");
});
afterAll(() => rm(dir, { recursive: true }));

test("a render is made once for the same chart and arguments", async () => {
  expect(await Promise.all([render("minimal"), render("minimal")])).toEqual([1, 1]);
  expect(await render("minimal")).toBe(1);
  expect(await render("minimal", "tbot.debug=true")).toBe(2);
});

test.each([
  ["is changed", () => writeFile(join(dir, "a.yaml"), "b")],
  ["is added", () => writeFile(join(dir, "b.yaml"), "b")],
  ["has another name", () => rename(join(dir, "b.yaml"), join(dir, "c.yaml"))],
  ["is gone", () => rm(join(dir, "c.yaml"))],
])("it is made anew when a file of the chart %s", async (_, change) => {
  const before = [await render("everything"), await render("everything")];
  await change();
  const after = [await render("everything"), await render("everything")];
  expect(before[1]).toBe(before[0]);
  expect(after[1]).toBe(after[0]);
  expect(after[0]).not.toBe(before[0]);
});
