import type { ValuesFlags } from "../../values/flags.ts";

/** What the flags of `graph learn` parse to; a flag that was not given is absent. */
export interface GraphLearnFlags extends ValuesFlags {
  log: string[];
  namespace: string[];
  context?: string;
  kubeconfig?: string;
  since?: string;
  prometheus?: string;
  prometheusFile: string[];
  prometheusHeader: string[];
  withMethods: boolean;
  withPaths: boolean;
  generalize: boolean;
  includeDenied: boolean;
}
