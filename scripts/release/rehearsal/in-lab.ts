import { spawn } from "node:child_process";
import { ExitError } from "../../../tools/base/exit-error.ts";
import { builtProgram } from "../programs.ts";
import { dependencyArchives } from "./npm-dependencies.ts";

/**
 * Installs from a published release in the lab, which is emptied before and taken down afterwards: tests/published.
 *
 * @throws ExitError (refused) when a test failed, or the lab did not come up
 */
export async function rehearseInLab(root: string): Promise<void> {
  // What must be fetched: nothing leaves the lab.
  await builtProgram("crane");
  await builtProgram("cosign");
  await dependencyArchives(root);
  const lab = (...args: string[]) => shownRun(["npm", "run", "--silent", "lab", "--", ...args], root);
  const vitest = ["node", "node_modules/vitest/vitest.mjs", "run", "--project", "published", "--reporter=verbose"];
  try {
    const isWell = (await lab("down", "--wipe")) && (await lab("up")) && (await lab("exec", "--", ...vitest));
    if (!isWell) throw new ExitError("The release could not be used in the lab.");
  } finally {
    await lab("down", "--wipe");
  }
}

/** Runs a command with its output where ours goes. Returns whether it succeeded. */
function shownRun([program = "", ...args]: string[], cwd: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { cwd, stdio: "inherit" });
    child.on("error", reject);
    child.on("close", (code) => resolve(code === 0));
  });
}
