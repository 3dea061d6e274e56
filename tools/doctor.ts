import { Command, Option } from "commander";
import { page } from "./base/documentation.ts";
import type { DoctorFlags } from "./doctor/flags.ts";
import { repeatable } from "./flags/repeatable.ts";
import { withValuesFlags } from "./flags/values-flags.ts";
import type { Runner } from "./programs/run.ts";

const HELP = `
Reads only, through your kubectl and, with --tctl, your tctl. What could not be read is reported as
unknown, with the permission that is missing. All of them: ${page("docs/operate/troubleshooting.md")}

--pre runs before an installation: programs, versions, permissions, and whether the names in Teleport, Helm and the cluster are
free. It needs your values and tctl. \`install\` runs the same checks first.

Examples:
  istio-teleport doctor --pre -f values.yaml
  istio-teleport doctor
  istio-teleport doctor -f values.yaml --tctl
  tctl get token/istio-tbot-k8s-join --format json | istio-teleport doctor -f values.yaml --token-file -
  istio-teleport doctor --wait 5m --format junit --output doctor.xml
  istio-teleport doctor --only proxy-issuer,proxy-identity --namespace shop

Exit codes:
  0   fine; there may be warnings
  1   there are problems, or a flag or an input is wrong
  2   no problem was found, and something could not be checked; or the cluster does not answer
  70  a bug in istio-teleport; please report it
`;

/** `istio-teleport doctor`: every hand-off of a live mesh checked, in their order. */
export function doctorCommand(runner: Runner): Command {
  return withValuesFlags(new Command("doctor"))
    .description("check every hand-off between Teleport, tbot and Istio on a live cluster; read-only")
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--kubeconfig <file>", "kubeconfig (default: as kubectl)")
    .option("--pre", "check what must hold before an installation, with the values (-f)", false)
    .option("--skip-istio", "with --pre: Istio is managed elsewhere, as for `install`", false)
    .addOption(
      repeatable("-n, --namespace <name>", "check the workloads of this namespace only").default([], "all namespaces"),
    )
    .addOption(
      repeatable(
        "--only <ids>",
        "run these checks only, and those that they rest on; ids are separated by commas",
      ).default([], "all checks"),
    )
    .addOption(
      new Option("--format <format>", "form of the report").choices(["table", "json", "junit"]).default("table"),
    )
    .option("--output <file>", "write the report to this file (mode 0600), - for stdout (default: -)")
    .option("--force", "let --output replace an existing file", false)
    .option("--wait <duration>", "look again until everything is fine, at most for this time: 90s, 5m")
    .option("--tctl", "ask Teleport, too, with the tctl that is logged in: what it stores, and its version", false)
    .option("--token-file <file>", "without tctl: the join token as `tctl get token/NAME` prints it, - for stdin")
    .option(
      "--teleport-version <version>",
      "the Teleport cluster's version (default: asked with --tctl, else at its proxy)",
    )
    .addHelpText("after", HELP)
    .action(async (flags: DoctorFlags) => {
      if (flags.pre) await (await import("./doctor/before.ts")).doctorBefore(runner, flags);
      else await (await import("./doctor/run.ts")).doctor(runner, flags);
    });
}
