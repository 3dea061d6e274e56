import { labExec, toolPath } from "../build/toolbox.ts";
import type { LabPaths } from "../machine/paths.ts";
import { runningProcess } from "../machine/processes.ts";
import { NODE_NAME } from "./addresses.ts";

/**
 * Whether the node is Ready by the word of the kubelet that runs now: after a restart the API server still holds what the
 * one before it said.
 */
export async function isNodeReady(paths: LabPaths): Promise<boolean> {
  const kubelet = runningProcess(paths, "kubelet");
  if (kubelet === undefined) return false;
  const ready = "{.status.conditions[?(@.type=='Ready')]['status','lastHeartbeatTime']}";
  const kubectl = [toolPath(paths, "kubectl"), "get", "node", NODE_NAME, `--output=jsonpath=${ready}`];
  const answer = await labExec(paths, kubectl, { timeout: 5000 });
  const [status, heartbeat] = answer.stdout.split(" ");
  // Kubernetes' times have whole seconds.
  return status === "True" && heartbeat !== undefined && Date.parse(heartbeat) + 999 >= Date.parse(kubelet.startedAt);
}

/** Whether pods can be created: admission wants their namespace's service account, which the controller manager makes a moment after its start. */
export async function acceptsPods(paths: LabPaths): Promise<boolean> {
  const kubectl = [toolPath(paths, "kubectl"), "get", "serviceaccount", "default", "--namespace=default"];
  return (await labExec(paths, kubectl, { timeout: 5000 })).code === 0;
}
