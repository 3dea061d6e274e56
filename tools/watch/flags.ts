import type { ValuesFlags } from "../values/flags.ts";

/** What the flags of watch parse to; a flag that was not given is absent. */
export interface WatchFlags extends ValuesFlags {
  context?: string;
  kubeconfig?: string;
  keyIds?: string;
  eventOn?: string;
  namespace: string[];
  wait?: string;
  teleportVersion?: string;
}
