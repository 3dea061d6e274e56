import { readdirSync, readFileSync } from "node:fs";
import { shell } from "./shell.ts";

/** Processes of one container of a pod, found by the container's ID in their cgroups. */
export async function containerPids(namespace: string, pod: string, container: string): Promise<number[]> {
  const { status } = JSON.parse(await shell(`kubectl -n ${namespace} get pod ${pod} -o json`)) as {
    status: Record<"containerStatuses" | "initContainerStatuses", { name: string; containerID?: string }[] | undefined>;
  };
  const all = [...(status.containerStatuses ?? []), ...(status.initContainerStatuses ?? [])];
  const id = all.find((entry) => entry.name === container)?.containerID?.replace("containerd://", "");
  if (id === undefined) throw new Error(`container ${container} of ${namespace}/${pod} has no ID`);
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .filter((pid) => cgroupsOf(pid).includes(id))
    .map(Number);
}

/** Kills every process of a container with SIGKILL, as the kernel's OOM killer does: nothing cleans up behind it. */
export async function killContainer(namespace: string, pod: string, container: string): Promise<void> {
  const pids = await containerPids(namespace, pod, container);
  if (pids.length === 0) throw new Error(`container ${container} of ${namespace}/${pod} has no process`);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch (error) {
      // It went with the one before it.
      if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    }
  }
}

function cgroupsOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cgroup`, "utf8");
  } catch {
    return "";
  }
}
