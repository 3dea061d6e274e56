import { Option } from "commander";

/** A flag that may be given several times; its values come as a list, empty without the flag. */
export function repeatable(flags: string, description: string): Option {
  return new Option(flags, `${description} (repeatable)`)
    .argParser((value: string, previous: string[]) => [...previous, value])
    .default([], "none");
}
