import { readFileSync } from "node:fs";
import { containerPids } from "../../lab/testkit/cluster/containers.ts";
import { onePod } from "../../lab/testkit/cluster/pods.ts";

const TICKS_PER_SECOND = 100;

/** CPU seconds of a process of the lab since its start, user and system, to a hundredth. */
export function cpuSeconds(pid: number): number {
  // The second field is the program's name, which may contain anything.
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

/** The same of several processes together. */
export function cpuSecondsOf(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0);
}

/** Resident memory of a process, MiB: now, and the most since its start. */
export function memoryMebibytes(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) / 1024;
  return { now: field("VmRSS"), peak: field("VmHWM") };
}

/** The processes of a container of the one pod that matches. */
export async function pidsIn(namespace: string, selector: string, container: string): Promise<number[]> {
  const { metadata } = await onePod(namespace, selector);
  const pids = await containerPids(namespace, metadata.name, container);
  if (pids.length === 0) throw new Error(`${container} in ${namespace} has no process`);
  return pids;
}

/** The process of tbot on the lab's one node. */
export async function tbotPid(): Promise<number> {
  const [pid] = await pidsIn("teleport-system", "app.kubernetes.io/name=tbot", "tbot");
  return pid as number;
}

/** Of some processes, the one that runs a program of this name. */
export function pidOf(program: string, pids: readonly number[]): number {
  const found = pids.find((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === program);
  if (found === undefined) throw new Error(`none of the processes ${pids.join()} is ${program}`);
  return found;
}
