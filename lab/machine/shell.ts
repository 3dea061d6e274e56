import { execFile, spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";

/** What a finished command left. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

interface CommandOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Written to the command's standard input. */
  readonly input?: string;
  /** Milliseconds after which the command is killed; default: never. */
  readonly timeout?: number;
}

const MAX_OUTPUT_BYTES = 64 * 1024 * 1024;
const TAIL_LINES = 15;

/** Runs a command to its end and returns its output, whatever its exit code; a command that can't be started has code 127. */
export function tryCommand(command: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [file, ...args] = command as [string, ...string[]];
  const { input, ...rest } = options;
  return new Promise((resolve) => {
    const child = execFile(file, args, { ...rest, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
      if (error === null) return resolve({ code: 0, stdout, stderr });
      if (typeof error.code === "number") return resolve({ code: error.code, stdout, stderr });
      resolve({ code: error.code === "ENOENT" ? 127 : 1, stdout, stderr: stderr || error.message });
    });
    if (child.stdin) {
      // A command that ends without reading its input closes the pipe: its exit code tells, not EPIPE.
      child.stdin.on("error", () => {});
      child.stdin.end(input ?? "");
    }
  });
}

/** Runs a command and returns its standard output. Throws an ExitError with the end of its standard error if it fails. */
export async function command(command: readonly string[], options: CommandOptions = {}): Promise<string> {
  const result = await tryCommand(command, options);
  if (result.code !== 0) {
    throw new ExitError(
      `\`${command.join(" ")}\` failed with exit code ${result.code}: ${lastLines(result.stderr)}`,
      EXIT.unavailable,
    );
  }
  return result.stdout;
}

/**
 * Runs a long command with all its output in a log file.
 * Throws an ExitError with the log's last lines and its path if the command fails.
 */
export async function loggedCommand(
  command: readonly string[],
  logFile: string,
  options: Omit<CommandOptions, "input"> = {},
): Promise<void> {
  const [file, ...args] = command as [string, ...string[]];
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, "w");
  const code = await new Promise<number>((resolve) => {
    const child = spawn(file, args, { ...options, stdio: ["ignore", log, log] });
    child.on("error", () => resolve(127));
    child.on("close", (exitCode) => resolve(exitCode ?? 1));
  });
  closeSync(log);
  if (code !== 0) {
    throw new ExitError(
      `\`${command.join(" ")}\` failed with exit code ${code}; ${logTail(logFile)}`,
      EXIT.unavailable,
    );
  }
}

/** The last lines of a log and its path, as the second half of an error sentence. */
export function logTail(logFile: string): string {
  return `the end of ${logFile}:\n${lastLines(readFileSync(logFile, "utf8"))}`;
}

/** Asks until the answer is true. Returns false if that takes longer than `timeoutMs`. */
export async function eventually(
  answer: () => Promise<boolean>,
  timeoutMs: number,
  intervalMs = 200,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (!(await answer())) {
    if (Date.now() > deadline) return false;
    await new Promise((resolve) => setTimeout(resolve, intervalMs));
  }
  return true;
}

function lastLines(text: string): string {
  return text.trimEnd().split("\n").slice(-TAIL_LINES).join("\n");
}
