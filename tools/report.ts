import { Command, Option } from "commander";
import { page } from "./base/documentation.ts";
import { repeatable } from "./flags/repeatable.ts";
import { withValuesFlags } from "./flags/values-flags.ts";
import type { Runner } from "./programs/run.ts";
import type { ReportFlags } from "./report/flags.ts";

const HELP = `
The page has what doctor finds, each workload's identity, issuer and expiry, who may call whom, the fail-closed layers and
their exceptions, and versions; each with its evidence and time. It is one file that loads nothing, and there is no secret
in it. Reads only, with the permissions of doctor, and those of helm to read the chart's release (${page("docs/operate/report.md")}).

Without -f the graph comes from the values of the chart's release in the cluster.

Examples:
  istio-teleport report --output report.html
  istio-teleport report --format json --output today.json
  istio-teleport report --from today.json --against last-month.json --output report.html

Exit codes:
  0   fine; there may be warnings
  1   there are problems, or a flag or an input is wrong
  2   no problem was found, and something could not be checked; or the cluster does not answer
  70  a bug in istio-teleport; please report it`;

/** `istio-teleport report`: a live cluster, or a saved report, as one page for people or as JSON. */
export function reportCommand(runner: Runner, version: string): Command {
  return withValuesFlags(new Command("report"))
    .description("write one page that says what the mesh is and how it fares: identities, policies, findings, versions")
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--kubeconfig <file>", "kubeconfig (default: as kubectl)")
    .addOption(
      repeatable("-n, --namespace <name>", "report the workloads of this namespace only").default([], "all namespaces"),
    )
    .option("--token-file <file>", "the join token as `tctl get token/NAME` prints it, - for stdin")
    .option("--teleport-version <version>", "the Teleport cluster's version (default: asked at its proxy)")
    .option("--from <file>", "show a report saved with --format json, - for stdin, and ask no cluster")
    .option("--against <file>", "also say what has changed since a saved report")
    .addOption(new Option("--format <format>", "html or json").choices(["html", "json"]).default("html"))
    .option("--output <file>", "write to this file (mode 0600), - for stdout (default: -)")
    .option("--force", "let --output replace an existing file", false)
    .addHelpText("after", HELP)
    .action(async (flags: ReportFlags) => {
      const { writeReport } = await import("./report/run.ts");
      await writeReport(runner, flags, version);
    });
}
