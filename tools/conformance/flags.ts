import type { ClusterChoice } from "../programs/kubectl.ts";
import type { SecretName } from "./stage/pull-secret.ts";

/** What the flags of `test` parse to; a flag that was not given is absent. */
export interface TestFlags extends ClusterChoice {
  /** Seconds. */
  timeout: number;
  image?: string;
  serverImage?: string;
  imagePullSecret?: SecretName;
  /** How many nodes get a client; Infinity for all. */
  nodes: number;
  renewal: boolean;
  withoutAdmission: boolean;
  keep: boolean;
  output: "table" | "json" | "junit";
}
