import { groupBy } from "../../base/group-by.ts";
import { spiffeId } from "../../base/spiffe-id.ts";
import { readSpiffeId, type SeenCall, type Workload } from "./calls.ts";

/** A workload as Kubernetes has it, and the ServiceAccount of its pods. */
export interface AccountUse extends Workload {
  workload: string;
}

/**
 * Calls without those from and to a ServiceAccount that several workloads have: their certificates are the same, so nobody can
 * tell who called whom, and a policy would let each of them do what one of them does.
 *
 * @param uses what logs and pods say of ServiceAccounts; the chart refuses a graph in which services share one
 * @returns the calls that remain, and one sentence for each such ServiceAccount that appears in a call
 */
export function withoutSharedAccounts(
  calls: readonly SeenCall[],
  uses: readonly AccountUse[],
): { kept: SeenCall[]; notes: string[] } {
  const shared = new Map(
    [...groupBy(uses, keyOf)]
      .map(([key, users]) => [key, [...new Set(users.map(({ workload }) => workload))].toSorted()] as const)
      .filter(([, workloads]) => workloads.length > 1),
  );
  const met = new Set<string>();
  const kept = calls.filter(({ from, to }) => {
    const caller = from === undefined ? undefined : readSpiffeId(spiffeId(from))?.workload;
    const keys = [keyOf(to), ...(caller ? [keyOf(caller)] : [])].filter((key) => shared.has(key));
    for (const key of keys) met.add(key);
    return keys.length === 0;
  });
  const notes = [...met].toSorted().map((key) => {
    const [namespace = "", account = ""] = key.split("/");
    const workloads = shared.get(key) ?? [];
    return `Calls from and to the ServiceAccount ${account} of the namespace ${namespace} were left out: ${workloads.join(", ")} share it, and their certificates are the same. Give each workload a ServiceAccount of its own, and learn again.`;
  });
  return { kept, notes };
}

/**
 * The workload that a pod's name tells of: without what Deployments, StatefulSets, DaemonSets, Jobs and CronJobs put behind
 * their own name, and without a version, whose workloads are one service: reviews-v2-7d9f8c6b54-x7k2p is reviews.
 *
 * @returns undefined for a pod that nothing of these made: a person's, for a look or a try, as who it runs as
 */
export function workloadOfPod(pod: string): string | undefined {
  // Kubernetes makes these parts of letters that form no words (apimachinery util/rand).
  const made = pod
    .replace(/(-[bcdfghjklmnpqrstvwxz2456789]{6,10})?-[bcdfghjklmnpqrstvwxz2456789]{5}$/, "")
    .replace(/-\d+$/, "");
  return made === pod ? undefined : made.replace(/-(v\d+|canary|stable|primary|blue|green)$/, "");
}

function keyOf({ namespace, serviceAccount }: Workload): string {
  return `${namespace}/${serviceAccount}`;
}
