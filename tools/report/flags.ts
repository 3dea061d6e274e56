import type { ValuesFlags } from "../values/flags.ts";

/** What the flags of `report` parse to; a flag that was not given is absent. */
export interface ReportFlags extends ValuesFlags {
  context?: string;
  kubeconfig?: string;
  namespace: string[];
  tokenFile?: string;
  teleportVersion?: string;
  /** A saved report, in place of a cluster. */
  from?: string;
  /** A saved report to compare with. */
  against?: string;
  format: "html" | "json";
  output?: string;
  force: boolean;
}
