import type { ClusterChoice } from "../programs/kubectl.ts";

/** What the flags of `test` parse to; a flag that was not given is absent. */
export interface TestFlags extends ClusterChoice {
  /** Seconds. */
  timeout: number;
  image?: string;
  serverImage?: string;
  withoutAdmission: boolean;
  keep: boolean;
  output: "table" | "json" | "junit";
}
