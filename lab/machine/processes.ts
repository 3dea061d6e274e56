import { spawn } from "node:child_process";
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import type { LabPaths } from "./paths.ts";
import { eventually, logTail } from "./shell.ts";

/** A process that the lab started, as recorded in `state/run/<name>.json`. */
export interface ProcessRecord {
  readonly pid: number;
  /** Start time in clock ticks since boot: together with the pid it names one process, even after the pid is reused. */
  readonly startTime: string;
  /** The same for people and for comparing with Kubernetes' times: ISO 8601. */
  readonly startedAt: string;
  /** What it was started from; a different fingerprint on the next `up` means a restart. */
  readonly fingerprint: string;
}

/**
 * Starts a detached process with its output appended to `state/log/<name>.log` and records it.
 * Throws an ExitError with the end of that log if the process ends at once.
 */
export function startProcess(
  paths: LabPaths,
  name: string,
  command: readonly string[],
  fingerprint: string,
): ProcessRecord {
  const [file, ...args] = command as [string, ...string[]];
  mkdirSync(paths.run, { recursive: true });
  mkdirSync(paths.log, { recursive: true });
  const log = openSync(logFile(paths, name), "a");
  const child = spawn(file, args, { cwd: "/", detached: true, stdio: ["ignore", log, log] });
  closeSync(log);
  // A program that is not there has no pid: said below.
  child.on("error", () => {});
  child.unref();
  const pid = child.pid;
  const startTime = pid === undefined ? undefined : processStartTime(pid);
  if (pid === undefined || startTime === undefined) {
    throw new ExitError(`${name} ended at once; ${logTail(logFile(paths, name))}`, EXIT.unavailable);
  }
  const record: ProcessRecord = { pid, startTime, startedAt: new Date().toISOString(), fingerprint };
  writeFileSync(recordFile(paths, name), JSON.stringify(record));
  return record;
}

/** The record of a process that is still running, else undefined. */
export function runningProcess(paths: LabPaths, name: string): ProcessRecord | undefined {
  const file = recordFile(paths, name);
  if (!existsSync(file)) return undefined;
  const record = JSON.parse(readFileSync(file, "utf8")) as ProcessRecord;
  return processStartTime(record.pid) === record.startTime ? record : undefined;
}

/** Ends a recorded process: `signal`, then SIGKILL if it is still there after `patienceMs`. Removes its record. */
export async function stopProcess(
  paths: LabPaths,
  name: string,
  signal: NodeJS.Signals,
  patienceMs: number,
): Promise<void> {
  const record = runningProcess(paths, name);
  if (record !== undefined) {
    process.kill(record.pid, signal);
    const gone = () => Promise.resolve(processStartTime(record.pid) !== record.startTime);
    if (!(await eventually(gone, patienceMs, 50))) {
      process.kill(record.pid, "SIGKILL");
      await eventually(gone, 10_000, 50);
    }
  }
  rmSync(recordFile(paths, name), { force: true });
}

/** The log of a process. */
export function logFile(paths: LabPaths, name: string): string {
  return join(paths.log, `${name}.log`);
}

function recordFile(paths: LabPaths, name: string): string {
  return join(paths.run, `${name}.json`);
}

/**
 * Field 22 of /proc/PID/stat (proc_pid_stat(5)), or undefined for a process that is gone or only waits to be reaped. One
 * whose first thread has ended while others have not still holds its ports.
 */
export function processStartTime(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field, the program's name in parentheses, may itself hold spaces and parentheses.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, threads] = [fields[0], Number(fields[17])];
  return state === "Z" && threads <= 1 ? undefined : fields[19];
}
