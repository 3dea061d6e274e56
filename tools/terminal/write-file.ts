import { randomBytes } from "node:crypto";
import { link, open, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EXIT, ExitError } from "../base/exit-error.ts";

/**
 * Writes what `--output` names: a file (see `writeNewFile`), or stdout for `-` and without the flag. Settles when stdout has
 * taken the text; a failed write there ends the process (run-command.ts).
 *
 * @throws ExitError as `writeNewFile`
 */
export async function writeOutput(
  path: string | undefined,
  content: string,
  options: { force: boolean },
): Promise<void> {
  if (!isStdout(path)) return await writeNewFile(path, content, options);
  await new Promise<void>((resolve) => {
    process.stdout.write(content, (error) => {
      if (!error) resolve();
    });
  });
}

/** Whether what `--output` names is stdout. */
export function isStdout(path: string | undefined): path is undefined | "-" {
  return path === undefined || path === "-";
}

/**
 * Writes a file completely or not at all, readable by its owner only (0600). An existing file stays as it is unless
 * `force` replaces it.
 *
 * @throws ExitError refused when the file exists and `force` is false, and when it is a directory; unavailable when the directory cannot be written
 */
async function writeNewFile(path: string, content: string, options: { force: boolean }): Promise<void> {
  if (path === "") throw new ExitError('--output is "", which names no file; give - for stdout, or name a file.');
  // In the same directory, because a rename is atomic within one file system only.
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    const file = await open(temporary, "wx", 0o600);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    // A check before a rename could overwrite a file that another process creates in between. link cannot.
    if (options.force) await rename(temporary, path);
    else await link(temporary, path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    const existing = await stat(path).catch(() => undefined);
    if (existing?.isDirectory()) throw new ExitError(`${path} is a directory; name a file in it.`);
    if (code === "EEXIST") {
      throw new ExitError(`${path} already exists; replace it with --force, or name another file.`);
    }
    throw new ExitError(
      `${path} could not be written (${code}); choose a file in an existing directory that you may write to.`,
      EXIT.unavailable,
    );
  } finally {
    await rm(temporary, { force: true });
  }
}
