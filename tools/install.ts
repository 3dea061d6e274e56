import { Command } from "commander";
import { withClusterFlags } from "./flags/cluster-flags.ts";
import { repeatable } from "./flags/repeatable.ts";
import { withValuesFlags } from "./flags/values-flags.ts";
import type { InstallFlags } from "./installation/install/flags.ts";
import type { Runner } from "./programs/run.ts";

const HELP = `
Runs the installation step by step with your own helm, kubectl and tctl: Istio's CRDs, istiod, Teleport's
resources, the chart, and finally the doctor, whose report goes to stdout. Pre-flight checks run first and change nothing.
Safe to rerun; no state is stored locally. After an interruption, rerun the command to resume. After a change of the values,
rerun it to apply the change: steps that are done are skipped.

It asks before it changes the cluster. Where nobody can answer, in CI for example, give --yes.

--dry-run checks the cluster and prints the commands it would run, as a shell script that includes the documents.

Examples:
  istio-teleport install -f values.yaml --dry-run
  istio-teleport install -f values.yaml
  istio-teleport install -f values.yaml --skip-istio --context prod --yes

Exit codes:
  0   installed, and the doctor found no problem; with --dry-run: the script is on stdout
  1   refused: a flag or a value is wrong, or a pre-flight check failed, or the question was answered with no, and
      nothing was changed; or the doctor found problems
  2   the cluster, helm, kubectl, tctl, Teleport or the disk is unavailable: rerun the command. Or the doctor could not
      check everything
  70  a bug in istio-teleport; please report it`;

/** `istio-teleport install`: the whole installation from one values file, step by step, as often as you like. */
export function installCommand(runner: Runner): Command {
  return withClusterFlags(withValuesFlags(new Command("install")))
    .description("install everything with your helm, kubectl and tctl; rerun it to resume or to apply a change")
    .option("--skip-istio", "leave Istio alone: it is managed elsewhere, with the values of `render istio`", false)
    .option("--istio-repo <url>", "chart repository of Istio, https:// or oci:// (default: Istio's own)")
    .option("--istio-version <version>", "version of Istio (default: what is installed, else the newest)")
    .addOption(repeatable("--istiod-values <file>", "your own values for istiod, after ours"))
    .option("--dry-run", "change nothing, print the commands", false)
    .option("--yes", "do not ask before the cluster is changed", false)
    .addHelpText("after", HELP)
    .action(async (flags: InstallFlags) => {
      const { install } = await import("./installation/install/run.ts");
      await install(runner, flags);
    });
}
