import type { ValuesFlags } from "../values/flags.ts";

/** What the flags of `graph` parse to; a flag that was not given is absent. */
export interface GraphFlags extends ValuesFlags {
  format: "table" | "mermaid" | "svg" | "html" | "json";
  application: string[];
  principals: boolean;
  diff?: string[];
  output?: string;
  force: boolean;
}
