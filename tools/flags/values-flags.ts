import type { Command } from "commander";
import { repeatable } from "./repeatable.ts";

/**
 * Adds Helm's own flags for values, `-f/--values FILE` and `--set PATH=VALUE`, each repeatable, and `--values-key NAME`
 * for files of a parent chart.
 */
export function withValuesFlags(command: Command): Command {
  return command
    .addOption(repeatable("-f, --values <file>", "values file of the chart, - for stdin; later ones win"))
    .addOption(repeatable("--set <path=value>", "set single values, as helm does"))
    .option(
      "--values-key <name>",
      "the chart's name or alias in a parent chart whose values these are (default: none)",
    );
}
