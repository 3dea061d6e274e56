import type { ClusterAccess, ClusterChoice } from "../programs/kubectl.ts";
import type { Runner } from "../programs/run.ts";

/** What the flags of `withClusterFlags` (tools/flags/cluster-flags.ts) parse to; a flag that was not given is absent. */
export interface ClusterFlags extends ClusterChoice {
  /** Seconds. */
  timeout: number;
}

/** The cluster of the flags, without those that were not given. */
export function accessOf(runner: Runner, { context, kubeconfig }: ClusterFlags): ClusterAccess {
  return { runner, ...(context !== undefined && { context }), ...(kubeconfig !== undefined && { kubeconfig }) };
}
