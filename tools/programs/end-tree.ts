import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { groupBy } from "../base/group-by.ts";

/** Milliseconds that programs have to end by themselves after SIGTERM, and between two looks whether they have. */
const GRACE = 2_000;
const LOOK = 50;

/**
 * Sends SIGTERM to a process and all that it started: where `kubectl` is a script, the real one is below it. A process
 * group of their own would reach them at once, but take the terminal from a credential plugin that asks there.
 */
export async function askTreeToEnd(pid: number): Promise<number[]> {
  const tree = [pid, ...(await descendants(pid))];
  for (const each of tree) send(each, "SIGTERM");
  return tree;
}

/** Ends them: what is still there after the grace is killed. Settles when it is over. */
export async function endTree(pid: number): Promise<void> {
  const tree = await askTreeToEnd(pid);
  for (let waited = 0; waited < GRACE; waited += LOOK) {
    if (!tree.some((each) => send(each, 0))) return;
    await sleep(LOOK);
  }
  for (const each of tree) send(each, "SIGKILL");
}

/** @returns whether there is such a process that may be signalled */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch {
    return false;
  }
}

/** All processes below one; none where nothing tells. */
async function descendants(root: number): Promise<number[]> {
  const children = groupBy((await fromProc()) ?? (await fromPs()), ({ parent }) => parent);
  const below = (pid: number): number[] =>
    (children.get(pid) ?? []).flatMap((child) => [child.pid, ...below(child.pid)]);
  return below(root);
}

interface Process {
  pid: number;
  parent: number;
}

/** As Linux tells, also in an image without ps. */
async function fromProc(): Promise<Process[] | undefined> {
  const entries = await readdir("/proc").catch(() => []);
  const pids = entries.filter((name) => /^\d+$/.test(name));
  if (pids.length === 0) return undefined;
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, "utf8").catch(() => "")));
  // proc_pid_stat(5): pid (name) state parent …, and the name may hold anything.
  return stats.map((stat) => ({ pid: Number.parseInt(stat, 10), parent: Number(/.*\) \S (\d+)/s.exec(stat)?.[1]) }));
}

async function fromPs(): Promise<Process[]> {
  const printed = await new Promise<string>((resolve) => {
    execFile("ps", ["-A", "-o", "pid=,ppid="], { timeout: GRACE }, (_, stdout) => resolve(stdout));
  });
  return printed.split("\n").map((line) => {
    const [pid = Number.NaN, parent = Number.NaN] = line.trim().split(/\s+/).map(Number);
    return { pid, parent };
  });
}
