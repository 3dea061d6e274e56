import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { ExitError } from "../base/exit-error.ts";
import { printable } from "../base/printable.ts";
import { askTreeToEnd, endTree } from "./end-tree.ts";
import {
  type CallOptions,
  CUT,
  cutOff,
  type ExternalCommand,
  failed,
  Interrupted,
  type Outcome,
  type Runner,
  type ServeOptions,
} from "./run.ts";
import { wordsMeanwhile } from "./words-meanwhile.ts";

/** Runs programs of this machine, found on the PATH. */
export const systemRunner: Runner = { run, serve };

const MEBIBYTE = 1024 * 1024;

/** What a program may print. */
const MOST_MEBIBYTES = 256;

const DEFAULT_TIMEOUT = 60;

/** Milliseconds without output after which a program that has ended counts as read, though something keeps its pipe open. */
const DRAINED = 500;

/**
 * Ctrl-C is the program's own to handle (Helm marks the release as failed, so that it is not left pending); we wait for
 * that, and SIGTERM and SIGHUP are passed on as SIGTERM.
 */
async function run(command: ExternalCommand, options: CallOptions): Promise<Outcome> {
  const { program, stdin } = command;
  const { purpose, timeoutSeconds = DEFAULT_TIMEOUT, ifMissing, signal: abort } = options;
  const child = start(command, purpose, ifMissing);
  return await new Promise((resolve, reject) => {
    const words = wordsMeanwhile(program);
    let cut: string | undefined;
    const end = (why: string) => {
      if (cut !== undefined) return;
      cut = why;
      if (child.pid !== undefined) void endTree(child.pid).then(() => finish(child.exitCode, child.signalCode));
    };
    const timer = setTimeout(() => end(CUT.late(timeoutSeconds)), timeoutSeconds * 1000);
    const onAbort = () => end(CUT.killed("SIGTERM"));
    abort?.addEventListener("abort", onAbort);
    let interrupted: NodeJS.Signals | undefined;
    let interruptedAt = 0;
    const interrupt = (signal: NodeJS.Signals) => {
      if (interrupted !== undefined) {
        // Who asks again does not want to wait for a program that ignores the first.
        const again = performance.now() - interruptedAt > SAME_SIGNAL;
        if (again && child.pid !== undefined) void endTree(child.pid);
        return;
      }
      interrupted = signal;
      interruptedAt = performance.now();
      if (signal !== "SIGINT" && child.pid !== undefined) void askTreeToEnd(child.pid);
    };
    onSignal(interrupt);
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let length = 0;
    const settled = (settle: () => void) => {
      clearTimeout(timer);
      clearTimeout(drain);
      abort?.removeEventListener("abort", onAbort);
      offSignal(interrupt);
      // What still holds the other ends must not keep this process.
      child.stdout.destroy();
      child.stderr.destroy();
      settle();
    };
    const finish = (code: number | null, signal: NodeJS.Signals | null) => {
      settled(() => {
        const unheard = words.end();
        if (interrupted !== undefined) reject(interruption(program, interrupted));
        else if (cut !== undefined) reject(cutOff(command, purpose, cut, unheard));
        else if (code === null) reject(cutOff(command, purpose, CUT.killed(signal), unheard));
        else resolve({ code, stdout: Buffer.concat(output.stdout), stderr: Buffer.concat(output.stderr).toString() });
      });
    };
    let drain: NodeJS.Timeout | undefined;
    const finishWhenDrained = (code: number | null, signal: NodeJS.Signals | null) => {
      const before = length;
      drain = setTimeout(() => {
        // Only now has this process looked what there is to read, however busy it was.
        setImmediate(() => (length === before ? finish(code, signal) : finishWhenDrained(code, signal)));
      }, DRAINED);
    };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > MOST_MEBIBYTES * MEBIBYTE) return end(CUT.tooLong(MOST_MEBIBYTES));
        output[stream].push(chunk);
        if (stream === "stderr") words.hear(chunk);
      });
    }
    // A program that ends without reading closes the pipe: its exit code tells, not EPIPE.
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
    child.on("error", ({ code }: NodeJS.ErrnoException) => {
      settled(() => reject(notStarted(command, purpose, code, ifMissing)));
    });
    child.on("exit", (code, signal) => {
      if (cut === undefined) finishWhenDrained(code, signal);
      else finish(code, signal);
    });
    child.on("close", finish);
    if (abort?.aborted) onAbort();
  });
}

type Child = ChildProcessByStdio<Writable | null, Readable, Readable>;

/** @throws ExitError for what the operating system refuses at once, such as a NUL in an argument */
function start({ program, args, stdin }: ExternalCommand, purpose: string, ifMissing?: string): Child {
  try {
    return spawn(program, args, { stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"] }) as Child;
  } catch (error) {
    throw notStarted({ program, args }, purpose, (error as NodeJS.ErrnoException).code, ifMissing);
  }
}

/** @param code the operating system's, ENOENT, or Node's */
function notStarted(
  command: ExternalCommand,
  purpose: string,
  code: string | undefined,
  ifMissing?: string,
): ExitError {
  const nul = command.args.find((argument) => argument.includes("\0"));
  if (nul !== undefined) {
    return new ExitError(
      `Could not ${purpose}: ${printable(nul)} holds a NUL character, which no program takes; remove it.`,
    );
  }
  return cutOff(command, purpose, code === "ENOENT" ? CUT.missing(ifMissing) : CUT.refused(code));
}

function interruption(program: string, signal: NodeJS.Signals): Interrupted {
  return new Interrupted(`Interrupted (${signal}) while ${program} ran; rerun the same command to resume.`);
}

type Interrupt = (signal: NodeJS.Signals) => void;

/** What to tell of a signal. The process listens once: a dozen programs at a time would be too many listeners. */
const interrupts = new Set<Interrupt>();
/** Milliseconds: of one Ctrl-C below npx two signals come, the terminal's and the one that npm passes on. */
const SAME_SIGNAL = 1_000;
const WAITED_FOR = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

function onSignal(interrupt: Interrupt): void {
  if (interrupts.size === 0) for (const signal of WAITED_FOR) process.on(signal, tellAll);
  interrupts.add(interrupt);
}

function offSignal(interrupt: Interrupt): void {
  interrupts.delete(interrupt);
  if (interrupts.size === 0) for (const signal of WAITED_FOR) process.removeListener(signal, tellAll);
}

function tellAll(signal: NodeJS.Signals): void {
  for (const interrupt of interrupts) interrupt(signal);
}

/**
 * A program in a process group that ends when the pipe from this process does: also by kill -9, which no handler sees, it
 * and with it the user's rights must not outlive us.
 */
const TETHERED = 'exec 3<&0; (cat <&3; kill -KILL 0) >/dev/null 2>&1 & exec "$@" </dev/null 3<&-';

const ENDING = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** How the shell ends when there is no such program. */
const NOT_FOUND = 127;

/** Seconds until a program must serve. */
const START_TIMEOUT = 20;

async function serve(command: ExternalCommand, options: ServeOptions): Promise<() => Promise<void>> {
  const { purpose, timeoutSeconds = START_TIMEOUT, ready, onInterrupt } = options;
  // Where `kubectl` is a script that starts the real one, both are in a process group of their own, and end together.
  const child = spawn("sh", ["-c", TETHERED, "sh", command.program, ...command.args], {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.on("exit", () => resolve()));
  const end = () => {
    for (const signal of ENDING) process.removeListener(signal, interrupted);
    endGroup(child.pid);
    // What has left the group and holds the other ends must not keep this process.
    child.stdout.destroy();
    child.stderr.destroy();
  };
  // Otherwise the program would outlive this process.
  const interrupted = (signal: NodeJS.Signals) => {
    end();
    onInterrupt();
    process.kill(process.pid, signal);
  };
  const stop = async () => {
    end();
    await ended;
  };
  for (const signal of ENDING) process.on(signal, interrupted);
  const said = { stdout: "", stderr: "" };
  const state = await new Promise<"ready" | "late" | "missing" | "ended">((resolve) => {
    const timer = setTimeout(resolve, timeoutSeconds * 1000, "late");
    const settle = (answer: "ready" | "missing" | "ended") => {
      clearTimeout(timer);
      resolve(answer);
    };
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream].on("data", (chunk: Buffer) => {
        said[stream] += chunk.toString();
        if (said.stdout.includes(ready)) settle("ready");
      });
    }
    child.on("close", (code) => settle(code === NOT_FOUND ? "missing" : "ended"));
    child.on("error", () => settle("ended"));
  });
  if (state === "ready") return stop;
  end();
  if (state === "ended") throw failed(command, purpose, said.stderr || said.stdout);
  throw cutOff(command, purpose, state === "late" ? CUT.late(timeoutSeconds) : CUT.missing());
}

/** Ends all processes of a group, which have nothing to finish. */
function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // It has ended by itself; macOS says EPERM of a group that is only waited for.
    if (!/^(ESRCH|EPERM)$/.test((error as NodeJS.ErrnoException).code ?? "")) throw error;
  }
}
