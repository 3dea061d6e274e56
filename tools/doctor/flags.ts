import type { ValuesFlags } from "../values/flags.ts";

/** What the flags of doctor parse to; a flag that was not given is absent. */
export interface DoctorFlags extends ValuesFlags {
  context?: string;
  kubeconfig?: string;
  pre: boolean;
  skipIstio: boolean;
  namespace: string[];
  only: string[];
  output: "table" | "json" | "junit";
  wait?: string;
  tctl: boolean;
  tokenFile?: string;
  teleportVersion?: string;
}
