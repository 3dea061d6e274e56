import { fileURLToPath } from "node:url";
import { mustRun } from "../../tools/programs/run.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";

/** Runs the Helm that the tools use, with any arguments; rejects with its last words. */
export async function runHelm(args: readonly string[]): Promise<string> {
  return await mustRun(systemRunner, { program: "helm", args }, { purpose: `run helm ${args[0]}` });
}

/** Absolute path of a file of the repository. */
export function repositoryPath(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
