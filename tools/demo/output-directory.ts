import { randomBytes } from "node:crypto";
import { access, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { EXIT, ExitError } from "../base/exit-error.ts";
import type { DemoFile } from "./render-all.ts";

/** Marks each directory that the demo created, so that it never replaces another one. */
const MARKER = ".istio-teleport-demo";

/**
 * Replaces the directory by one with exactly these files, or leaves it as it is.
 *
 * @throws ExitError refused when the directory exists and is not the demo's; unavailable when it cannot be written
 */
export async function replaceDirectory(path: string, files: readonly DemoFile[]): Promise<void> {
  const target = resolve(path);
  const suffix = randomBytes(6).toString("hex");
  const fresh = `${target}.${suffix}.new`;
  const old = `${target}.${suffix}.old`;
  try {
    const exists = await refuseForeign(target);
    await mkdir(fresh);
    await writeFile(join(fresh, MARKER), "Made by `istio-teleport demo`, which replaces this directory.\n");
    for (const file of files) {
      await mkdir(dirname(join(fresh, file.path)), { recursive: true });
      await writeFile(join(fresh, file.path), file.content);
    }
    if (exists) await rename(target, old);
    await rename(fresh, target).catch(async (error) => {
      if (exists) await rename(old, target);
      throw error;
    });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof ExitError || code === undefined) throw error;
    throw new ExitError(
      `${path} could not be written (${code}): name another directory with --output.`,
      EXIT.unavailable,
    );
  } finally {
    await rm(fresh, { recursive: true, force: true });
    await rm(old, { recursive: true, force: true });
  }
}

/** Whether the directory exists; an empty one and one of the demo's may be replaced. */
async function refuseForeign(target: string): Promise<boolean> {
  let entries: string[];
  try {
    entries = await readdir(target);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    if (code === "ENOTDIR") throw new ExitError(`${target} is a file: name a directory with --output.`);
    throw error;
  }
  const ours = await access(join(target, MARKER)).then(
    () => true,
    () => false,
  );
  if (entries.length > 0 && !ours) {
    throw new ExitError(`${target} was not created by this demo: remove it, or name another directory with --output.`);
  }
  return true;
}
