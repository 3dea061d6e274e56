import type { ValuesFlags } from "../../values/flags.ts";
import type { ClusterFlags } from "../cluster-flags.ts";

/** What the flags of `install` parse to; a flag that was not given is absent. */
export interface InstallFlags extends ValuesFlags, ClusterFlags {
  skipIstio: boolean;
  istioRepo?: string;
  istioVersion?: string;
  istiodValues: string[];
  dryRun: boolean;
  yes: boolean;
}
