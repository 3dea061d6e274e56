import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXIT, ExitError } from "../base/exit-error.ts";

/**
 * Calls `use` with a fresh directory that only this user may enter, and removes it afterwards, whatever happens.
 *
 * @throws ExitError (unavailable) when it cannot be made, or no file be written in it
 */
export async function withTempDir<Result>(use: (dir: string) => Promise<Result>): Promise<Result> {
  const parent = tmpdir();
  const dir = await mkdtemp(join(parent, "istio-teleport-")).catch((error) => {
    throw notWritable(parent, error);
  });
  try {
    return await use(dir);
  } catch (error) {
    const { syscall, path = "", dest = "", code } = error as NodeJS.ErrnoException & { dest?: string };
    const isOurs = syscall !== undefined && (path.startsWith(dir) || dest.startsWith(dir) || code === "ENOSPC");
    throw isOurs ? notWritable(parent, error) : error;
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function notWritable(parent: string, error: unknown): ExitError {
  return new ExitError(
    `Temporary files could not be written in ${parent} (${(error as NodeJS.ErrnoException).code}); set TMPDIR to a directory that you may write to and that has space.`,
    EXIT.unavailable,
  );
}
