import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { withTempDir } from "../../../tools/programs/temp-dir.ts";
import { refusal } from "../support/refusal.ts";

let parent: string;
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), "temp-dir-test-"));
  vi.stubEnv("TMPDIR", parent);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(parent, { recursive: true });
});

test("a TMPDIR that is not there is named with the fix", async () => {
  const missing = join(parent, "missing");
  vi.stubEnv("TMPDIR", missing);
  expect(await refusal(() => withTempDir(async () => {}), EXIT.unavailable)).toBe(
    `Temporary files could not be written in ${missing} (ENOENT); set TMPDIR to a directory that you may write to and that has space.`,
  );
});

test("a file that cannot be written there is told the same way; other failures stay what they are", async () => {
  const made: string[] = [];
  const write = withTempDirNamed(made, async (dir) => {
    await mkdir(join(dir, "a"));
    await writeFile(join(dir, "a"), "");
  });
  expect(await refusal(write, EXIT.unavailable)).toContain(`could not be written in ${parent} (EISDIR)`);
  const full = Object.assign(new Error("ENOSPC: no space left on device, write"), { code: "ENOSPC", syscall: "write" });
  expect(
    await refusal(
      withTempDirNamed(made, () => Promise.reject(full)),
      EXIT.unavailable,
    ),
  ).toContain("(ENOSPC)");
  await expect(withTempDirNamed(made, () => readFile(join(parent, "other")))()).rejects.toThrow("ENOENT");
  expect(made.map(existsSync)).toEqual([false, false, false]);
});

/** With the names of what was made. */
function withTempDirNamed(made: string[], use: (dir: string) => Promise<unknown>): () => Promise<unknown> {
  return () =>
    withTempDir((dir) => {
      made.push(dir);
      return use(dir);
    });
}
