import type { ValuesFlags } from "../values/flags.ts";

/** What the flags of doctor parse to; a flag that was not given is absent. */
export interface DoctorFlags extends ValuesFlags {
  context?: string;
  kubeconfig?: string;
  pre: boolean;
  skipIstio: boolean;
  namespace: string[];
  only: string[];
  format: "table" | "json" | "junit";
  /** File of the report; absent or -: stdout. */
  output?: string;
  /** Whether `output` may be there already. */
  force: boolean;
  wait?: string;
  tctl: boolean;
  tokenFile?: string;
  teleportVersion?: string;
}
