import { spawn } from "node:child_process";
import { EXIT, ExitError } from "../base/exit-error.ts";

/** One call of another program, as a person would type it. */
export interface ExternalCommand {
  program: string;
  args: readonly string[];
  /** What it reads from standard input; without it, nothing. */
  stdin?: string;
}

/** What a finished call left. */
interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

/** What `tryCommand` does not tell apart: the whole text a program may print, 64 MiB, is kept. */
const MAX_OUTPUT = 64 * 1024 * 1024;

/**
 * Runs a program to its end and returns what it left, whatever its exit code. Ctrl-C is the program's own to handle
 * (Helm marks the release as failed, so that it is not left pending); we wait for that, and SIGTERM is passed on.
 *
 * @param timeoutSeconds after which the program is ended
 * @throws ExitError (unavailable) when the program is not there, takes too long, or the user interrupts
 */
export async function tryCommand(command: ExternalCommand, timeoutSeconds: number): Promise<Outcome> {
  const { program, args, stdin } = command;
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      timeout: timeoutSeconds * 1000,
    });
    let interrupted: NodeJS.Signals | undefined;
    const interrupt = (signal: NodeJS.Signals) => {
      interrupted = signal;
      if (signal === "SIGTERM") child.kill(signal);
    };
    const signals = ["SIGINT", "SIGTERM"] as const;
    for (const signal of signals) process.on(signal, interrupt);
    const finish = (settle: () => void) => {
      for (const signal of signals) process.removeListener(signal, interrupt);
      settle();
    };
    const output = { stdout: "", stderr: "" };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.setEncoding("utf8").on("data", (chunk: string) => {
        if (output[stream].length < MAX_OUTPUT) output[stream] += chunk;
      });
    }
    // A program that ends without reading closes the pipe: its exit code tells, not EPIPE.
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
    child.on("error", (error: NodeJS.ErrnoException) => {
      const reason = error.code === "ENOENT" ? "is not on the PATH" : `did not start (${error.code})`;
      finish(() => reject(new ExitError(`${program} ${reason}; install it and try again.`, EXIT.unavailable)));
    });
    child.on("close", (code, signal) => {
      finish(() => {
        if (interrupted !== undefined) {
          reject(
            new ExitError(
              `Interrupted (${interrupted}) while ${program} ran; rerun the same command to resume.`,
              EXIT.unavailable,
            ),
          );
        } else if (code === null) {
          const reason = signal === "SIGTERM" ? `gave no answer within ${timeoutSeconds} s` : `was ended by ${signal}`;
          reject(new ExitError(`${program} ${reason}; run the same command again.`, EXIT.unavailable));
        } else resolve({ code, ...output });
      });
    });
  });
}

/**
 * Runs a program that must succeed and returns its standard output.
 *
 * @param purpose what the call is for, as the sentence puts it: "install istiod"
 * @throws ExitError (unavailable) with the program's own last words
 */
export async function mustRun(command: ExternalCommand, purpose: string, timeoutSeconds = 60): Promise<string> {
  const { code, stdout, stderr } = await tryCommand(command, timeoutSeconds);
  if (code === 0) return stdout;
  throw failed(command, purpose, stderr);
}

/** The failure of a program, with its own last words. */
export function failed({ program }: ExternalCommand, purpose: string, stderr: string): ExitError {
  return new ExitError(`Could not ${purpose}: ${program} says "${lastWords(stderr)}".`, EXIT.unavailable);
}

/** The reason in what a program wrote to stderr: its "Error: …" to the end, else its last line; one line, no controls. */
export function lastWords(stderr: string): string {
  const lines = stderr
    // biome-ignore lint/suspicious/noControlCharactersInRegex: what another program says must not steer the terminal
    .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, "")
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const start = lines.findLastIndex((line) => /^error: /i.test(line));
  const words = start === -1 ? lines.slice(-1) : lines.slice(start);
  return (words.join(" ") || "nothing")
    .replace(/^error: /i, "")
    .slice(0, 1000)
    .replace(/\.$/, "");
}

/**
 * The call as text for a POSIX shell; what it reads from standard input is a here-document.
 *
 * @param mayFail whether a script with `set -e` continues when it fails
 */
export function shellText({ program, args, stdin }: ExternalCommand, mayFail = false): string {
  const line = [program, ...args].map(shellWord).join(" ");
  const end = mayFail ? " || true\n" : "\n";
  if (stdin === undefined) return `${line}${end}`;
  let mark = "END";
  while (stdin.split("\n").includes(mark)) mark += "_";
  return `${line} <<'${mark}'${end}${stdin}${stdin.endsWith("\n") ? "" : "\n"}${mark}\n`;
}

function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
