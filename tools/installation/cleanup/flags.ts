import type { ValuesFlags } from "../../values/flags.ts";
import type { ClusterFlags } from "../cluster-flags.ts";

/** What the flags of `cleanup` parse to; a flag that was not given is absent. */
export interface CleanupFlags extends ValuesFlags, ClusterFlags {
  withIstio: boolean;
  runTctl: boolean;
  yes: boolean;
  dryRun?: boolean;
}
