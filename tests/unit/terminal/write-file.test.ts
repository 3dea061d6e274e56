import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { writeOutput } from "../../../tools/terminal/write-file.ts";
import { captureOutput } from "../support/captured-output.ts";
import { refusal } from "../support/refusal.ts";

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "write-file-"));
});
afterEach(async () => {
  await rm(directory, { recursive: true });
});

const at = (name: string) => join(directory, name);

it("writes the whole text, for its owner only", async () => {
  await writeOutput(at("token.yaml"), "kind: token\n", { force: false });
  expect(await readFile(at("token.yaml"), "utf8")).toBe("kind: token\n");
  expect((await stat(at("token.yaml"))).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(["token.yaml"]);
});

it("leaves an existing file as it is", async () => {
  await writeFile(at("token.yaml"), "mine");
  const message = await refusal(() => writeOutput(at("token.yaml"), "new", { force: false }));
  expect(message).toContain("token.yaml already exists; replace it with --force");
  expect(await readFile(at("token.yaml"), "utf8")).toBe("mine");
  expect(await readdir(directory)).toEqual(["token.yaml"]);
});

it("replaces it with force, and narrows its mode", async () => {
  await writeFile(at("token.yaml"), "mine");
  await chmod(at("token.yaml"), 0o644);
  await writeOutput(at("token.yaml"), "new", { force: true });
  expect(await readFile(at("token.yaml"), "utf8")).toBe("new");
  expect((await stat(at("token.yaml"))).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(["token.yaml"]);
});

it("does not write through a symbolic link", async () => {
  await writeFile(at("target"), "mine");
  await symlink("target", at("link"));
  await refusal(() => writeOutput(at("link"), "new", { force: false }));
  await writeOutput(at("link"), "new", { force: true });
  expect(await readFile(at("target"), "utf8")).toBe("mine");
  expect(await readFile(at("link"), "utf8")).toBe("new");
});

it("names the file that it cannot write, and leaves nothing", async () => {
  const missing = await refusal(() => writeOutput(at("none/token.yaml"), "x", { force: false }), EXIT.unavailable);
  expect(missing).toContain("none/token.yaml could not be written (ENOENT); choose a file");
  expect(await readdir(directory)).toEqual([]);
});

it.each([true, false])("does not take a directory for a file, with force: %s", async (force) => {
  await mkdir(at("directory"));
  const message = await refusal(() => writeOutput(at("directory"), "x", { force }));
  expect(message).toContain("directory is a directory; name a file in it.");
  expect(await readdir(directory)).toEqual(["directory"]);
});

it("refuses a file without a name", async () => {
  expect(await refusal(() => writeOutput("", "new", { force: false }))).toContain("which names no file");
});

it.each(["-", undefined])("%j is stdout", async (path) => {
  const output = captureOutput();
  await writeOutput(path, "new", { force: false });
  vi.restoreAllMocks();
  expect(output.stdout).toBe("new");
  expect(await readdir(directory)).toEqual([]);
});
