import type { ClusterAccess } from "../programs/kubectl.ts";

/** What the flags of `withClusterFlags` (tools/flags/cluster-flags.ts) parse to; a flag that was not given is absent. */
export interface ClusterFlags {
  context?: string;
  kubeconfig?: string;
  /** Seconds. */
  timeout: number;
}

/** The flags without those that were not given. */
export function accessOf({ context, kubeconfig }: ClusterFlags): ClusterAccess {
  return { ...(context !== undefined && { context }), ...(kubeconfig !== undefined && { kubeconfig }) };
}
