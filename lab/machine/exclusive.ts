import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import type { LabPaths } from "./paths.ts";
import { processStartTime } from "./processes.ts";

/**
 * Does work that changes the lab while no other command does. Throws an ExitError if another one is at it; a lock whose
 * holder is gone counts as none.
 */
export async function exclusively<T>(paths: LabPaths, work: () => Promise<T>): Promise<T> {
  mkdirSync(paths.root, { recursive: true });
  const lock = join(paths.root, "lock");
  const own = `${process.pid} ${processStartTime(process.pid)}`;
  if (!createFile(lock, own)) {
    const [pid, startTime] = readFileSync(lock, "utf8").split(" ");
    if (processStartTime(Number(pid)) === startTime) {
      throw new ExitError(`Another lab command (pid ${pid}) is at work; try again when it is done.`, EXIT.unavailable);
    }
    writeFileSync(lock, own);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

/** Creates a file unless there is one; returns whether it did. */
function createFile(file: string, text: string): boolean {
  try {
    writeFileSync(file, text, { flag: "wx" });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}
