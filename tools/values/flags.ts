/** What the flags of `withValuesFlags` (tools/flags/values-flags.ts) parse to. */
export interface ValuesFlags {
  values: string[];
  set: string[];
}
