import type { Command } from "commander";

/** Adds Helm's own flags for values, `-f/--values FILE` and `--set PATH=VALUE`, each repeatable. */
export function withValuesFlags(command: Command): Command {
  return command
    .option("-f, --values <file>", "values file of the chart, - for stdin (repeatable, later ones win)", append, [])
    .option("--set <path=value>", "set single values, as helm does (repeatable)", append, []);
}

function append(value: string, previous: string[]): string[] {
  return [...previous, value];
}
