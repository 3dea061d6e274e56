import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { writeNewFile } from "../../../tools/terminal/write-file.ts";
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
  await writeNewFile(at("token.yaml"), "kind: token\n", { force: false });
  expect(await readFile(at("token.yaml"), "utf8")).toBe("kind: token\n");
  expect((await stat(at("token.yaml"))).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(["token.yaml"]);
});

it("leaves an existing file as it is", async () => {
  await writeFile(at("token.yaml"), "mine");
  const message = await refusal(() => writeNewFile(at("token.yaml"), "new", { force: false }));
  expect(message).toContain("token.yaml already exists; replace it with --force");
  expect(await readFile(at("token.yaml"), "utf8")).toBe("mine");
  expect(await readdir(directory)).toEqual(["token.yaml"]);
});

it("replaces it with force, and narrows its mode", async () => {
  await writeFile(at("token.yaml"), "mine");
  await chmod(at("token.yaml"), 0o644);
  await writeNewFile(at("token.yaml"), "new", { force: true });
  expect(await readFile(at("token.yaml"), "utf8")).toBe("new");
  expect((await stat(at("token.yaml"))).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(["token.yaml"]);
});

it("does not write through a symbolic link", async () => {
  await writeFile(at("target"), "mine");
  await symlink("target", at("link"));
  await refusal(() => writeNewFile(at("link"), "new", { force: false }));
  await writeNewFile(at("link"), "new", { force: true });
  expect(await readFile(at("target"), "utf8")).toBe("mine");
  expect(await readFile(at("link"), "utf8")).toBe("new");
});

it("names the file that it cannot write, and leaves nothing", async () => {
  const missing = await refusal(() => writeNewFile(at("none/token.yaml"), "x", { force: false }), EXIT.unavailable);
  expect(missing).toContain("none/token.yaml could not be written (ENOENT); choose a file");
  await mkdir(at("directory"));
  await refusal(() => writeNewFile(at("directory"), "x", { force: true }), EXIT.unavailable);
  expect(await readdir(directory)).toEqual(["directory"]);
});

it.each(["", "-"])("%j names no file", async (path) => {
  expect(await refusal(() => writeNewFile(path, "new", { force: false }))).toContain("which names no file");
});
