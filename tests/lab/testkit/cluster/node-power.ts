import { readdirSync, readFileSync, rmSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { startNodeDaemon, stopNodeDaemon } from "./node-daemons.ts";

/** Where the chart's default has tbot's socket: below /run, which a machine loses with its power. */
const SOCKETS = "/run/spire";

/** What runs pods on the node, in the order of starting. */
const POD_RUNNERS = ["containerd", "kubelet"];

/**
 * Takes the power from the node as far as its pods go: kubelet and containerd end, then, by SIGKILL, every process of
 * every pod and containerd's shims, and tbot's socket directory is gone. API server, etcd and Teleport, which run beside
 * the lab's one node and not on it, continue.
 */
export async function powerOff(): Promise<void> {
  for (const daemon of POD_RUNNERS.toReversed()) await stopNodeDaemon(daemon);
  for (let left = podProcesses(); left.length > 0; left = podProcesses()) {
    for (const pid of left) kill(pid);
    await sleep(100);
  }
  rmSync(SOCKETS, { recursive: true, force: true });
}

export async function powerOn(): Promise<void> {
  for (const daemon of POD_RUNNERS) await startNodeDaemon(daemon);
}

/** Processes of the lab that are in a pod's cgroup, and the shims that hold pods. */
function podProcesses(): number[] {
  const { name } = labPaths();
  const read = (pid: string, file: string): string => {
    try {
      return readFileSync(`/proc/${pid}/${file}`, "utf8");
    } catch {
      return "";
    }
  };
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => {
      const cgroups = read(pid, "cgroup");
      if (!cgroups.includes(`/${name}/`)) return false;
      return cgroups.includes("/kubepods/") || read(pid, "cmdline").includes("containerd-shim");
    })
    .map(Number);
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
