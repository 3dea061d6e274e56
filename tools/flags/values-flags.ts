import { type Command, Option } from "commander";
import type { Assignment } from "../programs/assignments.ts";
import { repeatable } from "./repeatable.ts";

/**
 * Adds Helm's own flags for values, `-f/--values FILE`, `--set PATH=VALUE` and its kin, each repeatable, and
 * `--values-key NAME` for files of a parent chart.
 */
export function withValuesFlags(command: Command): Command {
  return command
    .addOption(repeatable("-f, --values <file>", "values file of the chart, - for stdin; later ones win"))
    .addOption(repeatable("--set <path=value>", "set single values, as helm does"))
    .addOption(typed("--set-string", "path=value", "the same, and the value stays a text"))
    .addOption(typed("--set-json", "path=json", "the same, with a value in JSON"))
    .addOption(typed("--set-file", "path=file", "the same, with the text of a file as the value"))
    .option(
      "--values-key <name>",
      "the chart's name or alias in a parent chart whose values these are (default: none)",
    );
}

type Typed = Exclude<Assignment, string>;

/** One of Helm's other flags for single values: kept in one list with those of `--set`. */
function typed(flag: Typed["flag"], operand: string, description: string): Option {
  const option = new Option(`${flag} <${operand}>`, `${description} (repeatable)`)
    .argParser((text: string, previous: Assignment[]) => [...previous, { flag, text }])
    .default([], "none");
  option.attributeName = () => "set";
  return option;
}
