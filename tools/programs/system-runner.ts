import { spawn } from "node:child_process";
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

/** Runs programs of this machine, found on the PATH. */
export const systemRunner: Runner = { run, serve };

const MEBIBYTE = 1024 * 1024;

/** What a program may print. */
const MOST_MEBIBYTES = 256;

const DEFAULT_TIMEOUT = 60;

/**
 * Ctrl-C is the program's own to handle (Helm marks the release as failed, so that it is not left pending); we wait for
 * that, and SIGTERM is passed on.
 */
async function run(command: ExternalCommand, options: CallOptions): Promise<Outcome> {
  const { program, args, stdin } = command;
  const { purpose, timeoutSeconds = DEFAULT_TIMEOUT, ifMissing, signal: abort } = options;
  return await new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: [stdin === undefined ? "ignore" : "pipe", "pipe", "pipe"] });
    let cut: string | undefined;
    const end = (why: string) => {
      cut ??= why;
      child.kill();
    };
    const timer = setTimeout(() => end(CUT.late(timeoutSeconds)), timeoutSeconds * 1000);
    const onAbort = () => end(CUT.killed("SIGTERM"));
    abort?.addEventListener("abort", onAbort);
    let interrupted: NodeJS.Signals | undefined;
    const interrupt = (signal: NodeJS.Signals) => {
      interrupted = signal;
      if (signal === "SIGTERM") child.kill(signal);
    };
    onSignal(interrupt);
    const finish = (settle: () => void) => {
      clearTimeout(timer);
      abort?.removeEventListener("abort", onAbort);
      offSignal(interrupt);
      settle();
    };
    const output = { stdout: [] as Buffer[], stderr: [] as Buffer[] };
    let length = 0;
    for (const stream of ["stdout", "stderr"] as const) {
      child[stream]?.on("data", (chunk: Buffer) => {
        length += chunk.length;
        if (length > MOST_MEBIBYTES * MEBIBYTE) end(CUT.tooLong(MOST_MEBIBYTES));
        else output[stream].push(chunk);
      });
    }
    // A program that ends without reading closes the pipe: its exit code tells, not EPIPE.
    child.stdin?.on("error", () => {});
    child.stdin?.end(stdin);
    child.on("error", ({ code }: NodeJS.ErrnoException) => {
      const why = code === "ENOENT" ? CUT.missing(ifMissing) : CUT.refused(code);
      finish(() => reject(cutOff(command, purpose, why)));
    });
    child.on("close", (code, signal) => {
      finish(() => {
        if (interrupted !== undefined) reject(interruption(program, interrupted));
        else if (cut !== undefined) reject(cutOff(command, purpose, cut));
        else if (code === null) reject(cutOff(command, purpose, CUT.killed(signal)));
        else resolve({ code, stdout: Buffer.concat(output.stdout), stderr: Buffer.concat(output.stderr).toString() });
      });
    });
    if (abort?.aborted) onAbort();
  });
}

function interruption(program: string, signal: NodeJS.Signals): Interrupted {
  return new Interrupted(`Interrupted (${signal}) while ${program} ran; rerun the same command to resume.`);
}

type Interrupt = (signal: NodeJS.Signals) => void;

/** What to tell of a signal. The process listens once: a dozen programs at a time would be too many listeners. */
const interrupts = new Set<Interrupt>();
const WAITED_FOR = ["SIGINT", "SIGTERM"] as const;

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
  const closed = new Promise<void>((resolve) => child.on("close", () => resolve()));
  const end = () => {
    for (const signal of ENDING) process.removeListener(signal, interrupted);
    endGroup(child.pid);
  };
  // Otherwise the program would outlive this process.
  const interrupted = (signal: NodeJS.Signals) => {
    end();
    onInterrupt();
    process.kill(process.pid, signal);
  };
  const stop = async () => {
    end();
    await closed;
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
    // It has ended by itself.
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
