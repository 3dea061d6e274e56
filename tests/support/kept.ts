import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

const results = new Map<string, Promise<unknown>>();

/**
 * What `make` made of a directory and some arguments. It is made once in this process, and anew as soon as any file below the
 * directory is another one.
 */
export async function kept<Result>(dir: string, args: readonly string[], make: () => Promise<Result>): Promise<Result> {
  const id = JSON.stringify([await contentHash(dir), ...args]);
  const known = results.get(id) ?? make();
  results.set(id, known);
  return known as Promise<Result>;
}

/** One hash of all paths and contents. */
async function contentHash(dir: string): Promise<string> {
  const hash = createHash("sha256");
  const entries = await readdir(dir, { recursive: true, withFileTypes: true });
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
  for (const path of paths.toSorted()) {
    const content = await readFile(path);
    hash.update(JSON.stringify([path, content.length])).update(content);
  }
  return hash.digest("hex");
}
