import { Command, Option } from "commander";
import { page } from "./base/documentation.ts";
import { withValuesFlags } from "./flags/values-flags.ts";
import type { GraphFlags } from "./graph/flags.ts";
import { graphLearnCommand } from "./graph-learn.ts";
import type { Runner } from "./programs/run.ts";

const HELP = `
Formats:
  table    a section for each application: source → destination, port of the Service→port of the container, methods, paths
  mermaid  a flowchart for Markdown
  svg      a picture, readable on light and dark pages
  html     a page to search, filter and focus in, for graphs of any size; it loads nothing
  json     the whole graph, for other programs (${page("docs/operate/policies.md")})

--diff lists the calls that only one of two values files permits, as a table or as json. Each file is read after those
of -f, as helm would read it; what policies cannot tell apart, names in the values for example, is no difference.

Examples:
  istio-teleport graph -f values.yaml
  istio-teleport graph -f values.yaml --format svg --output graph.svg --force
  istio-teleport graph --diff before.yaml values.yaml

Exit codes:
  0   done; with --diff: the same calls pass
  1   refused: a flag or a value is wrong, or there is nothing to show
  2   Helm or the disk is unavailable
  3   --diff has found a difference
  70  a bug in istio-teleport; please report it`;

/** `istio-teleport graph`: who may call whom, from chart values, as a table or a picture; and what two values differ in. */
export function graphCommand(runner: Runner): Command {
  // Positional, as in program.ts: the subcommand has flags of the same names.
  return withValuesFlags(new Command("graph").enablePositionalOptions())
    .description("show who may call whom, and what a change of the values makes of it")
    .addOption(
      new Option("--format <format>", "table, mermaid, svg, html or json")
        .choices(["table", "mermaid", "svg", "html", "json"])
        .default("table"),
    )
    .addOption(
      new Option("--application <name>", "only calls to this application (repeatable)")
        .argParser((value: string, previous: string[]) => [...previous, value])
        .default([], "all"),
    )
    .option("--principals", "table: add the principal of each source, as policies name it", false)
    .option("--diff <files...>", "compare two values files: before, after")
    .option("--output <file>", "write to this file (mode 0600), - for stdout (default: -)")
    .option("--force", "let --output replace an existing file", false)
    .addCommand(graphLearnCommand(runner))
    .addHelpText("after", HELP)
    .action(async (flags: GraphFlags) => {
      const { showGraph } = await import("./graph/run.ts");
      await showGraph(runner, flags);
    });
}
