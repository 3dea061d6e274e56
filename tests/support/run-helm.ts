import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { findHelm } from "../../tools/programs/helm.ts";

/** Runs the Helm that the tools use, with any arguments; rejects with its stderr. */
export async function runHelm(args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(await findHelm(), [...args], { maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Absolute path of a file of the repository. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
