import type { Assignment } from "../programs/assignments.ts";

/** What the flags of `withValuesFlags` (tools/flags/values-flags.ts) parse to. */
export interface ValuesFlags {
  values: string[];
  /** Those of `--set-string`, `--set-json` and `--set-file`, too, in the order given. */
  set: Assignment[];
  /** Where the chart's values stand in the files: its name or alias as a dependency; absent when they stand at the top. */
  valuesKey?: string;
}
