import { Command } from "commander";
import { withClusterFlags } from "./flags/cluster-flags.ts";
import { withValuesFlags } from "./flags/values-flags.ts";
import type { CleanupFlags } from "./installation/cleanup/flags.ts";
import type { Runner } from "./programs/run.ts";

const HELP = `
Removes everything the chart and the CLI created, and nothing else:
  - the release of the chart
  - namespaces that install or the chart created and that contain nothing else
  - with --with-istio, Istio's releases and CRDs, if they have our values and nobody else uses them
  - Teleport's resources, if they match these values
  - join tokens of gen-token in files of this directory
It reports on stderr what it leaves, and why. A second run finds nothing to do.

Without --yes it changes nothing and prints the commands it would run to stdout, as a shell script. Remove Teleport's
resources with the commands it prints, or with --run-tctl.

Examples:
  istio-teleport cleanup -f values.yaml
  istio-teleport cleanup -f values.yaml --with-istio --run-tctl --yes

Exit codes:
  0   cleaned up, or nothing to do; without --yes: the script is on stdout
  1   refused: a flag or a value is wrong
  2   the cluster, helm, kubectl, tctl, Teleport or the disk is unavailable: rerun the command
  70  a bug in istio-teleport; please report it`;

/** `istio-teleport cleanup`: the opposite of `install`, for what was installed by hand as well. */
export function cleanupCommand(runner: Runner): Command {
  return withClusterFlags(withValuesFlags(new Command("cleanup")))
    .description("remove everything the chart and the CLI created; only prints what it would do, unless --yes")
    .option("--with-istio", "also remove Istio's releases and CRDs", false)
    .option("--run-tctl", "also remove Teleport's resources instead of printing the commands", false)
    .option("--dry-run", "change nothing, print the commands: the default without --yes")
    .option("--yes", "run the commands", false)
    .addHelpText("after", HELP)
    .action(async (flags: CleanupFlags) => {
      const { cleanup } = await import("./installation/cleanup/run.ts");
      await cleanup(runner, flags);
    });
}
