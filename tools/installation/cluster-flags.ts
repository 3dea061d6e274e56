import type { ClusterChoice } from "../programs/kubectl.ts";

/** What the flags of `withClusterFlags` (tools/flags/cluster-flags.ts) parse to; a flag that was not given is absent. */
export interface ClusterFlags extends ClusterChoice {
  /** Seconds. */
  timeout: number;
}
