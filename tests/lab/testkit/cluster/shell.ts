import { spawn } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

/** What a finished shell line left. */
export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a line as a user types it, in bash with pipefail, and returns what it left, whatever its exit code.
 * The tests run inside the lab already: kubectl, helm, istioctl, tctl and the project's bins are on PATH.
 */
export function tryShell(line: string, options: { cwd?: string; input?: string } = {}): Promise<Outcome> {
  return new Promise((resolve) => {
    const child = spawn("bash", ["-o", "pipefail", "-c", line], {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdio: ["pipe", "pipe", "pipe"],
    });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      stdout += chunk;
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      stderr += chunk;
    });
    // A command that does not read its input closes the pipe: its exit code tells, not EPIPE.
    child.stdin.on("error", () => {});
    child.stdin.end(options.input ?? "");
    child.on("close", (code) => resolve({ code: code ?? 1, stdout, stderr }));
  });
}

/** Runs a line that must succeed and returns its standard output; throws with everything the line printed otherwise. */
export async function shell(line: string, options: { cwd?: string; input?: string } = {}): Promise<string> {
  const outcome = await tryShell(line, options);
  if (outcome.code !== 0) {
    throw new Error(`exit code ${outcome.code} of: ${line}\n${outcome.stdout}\n${outcome.stderr}`);
  }
  return outcome.stdout;
}

/** Asks every half second until the answer is neither undefined nor false; throws, naming `what`, after `seconds`. */
export async function until<T>(what: string, seconds: number, ask: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  let last = "";
  for (;;) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() > deadline)
      throw new Error(`not within ${seconds} s: ${what}${last === "" ? "" : `; last: ${last}`}`);
    await sleep(500);
  }
}
