import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";

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

/** All processes below one, as ps knows them; none where there is no ps. */
async function descendants(root: number): Promise<number[]> {
  const children = new Map<number, number[]>();
  for (const line of (await processes()).split("\n")) {
    const [pid = Number.NaN, parent = Number.NaN] = line.trim().split(/\s+/).map(Number);
    if (!Number.isNaN(pid + parent)) children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const below = (pid: number): number[] => (children.get(pid) ?? []).flatMap((child) => [child, ...below(child)]);
  return below(root);
}

function processes(): Promise<string> {
  return new Promise((resolve) => {
    execFile("ps", ["-A", "-o", "pid=,ppid="], { timeout: GRACE }, (_, stdout) => resolve(stdout));
  });
}
