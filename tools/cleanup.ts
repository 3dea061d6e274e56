import { Command } from "commander";
import { type ClusterFlags, withClusterFlags } from "./flags/cluster-flags.ts";
import { type ValuesFlags, withValuesFlags } from "./flags/values-flags.ts";

const HELP = `
Takes back what the chart and the tools made, and nothing else: the release of the chart; namespaces that install or the
chart made and that hold nothing else; on request Istio's releases and CRDs, if they have our values and nobody else uses
them; Teleport's resources that are as these values make them; join tokens of gen-token in files of this directory. What
is left, and why, is on stderr. A second run finds nothing to do.

Without --yes nothing is changed: what would be run is on stdout, as a shell script. Teleport's resources are removed by
you, with the commands that are printed, or with --run-tctl.

Examples:
  istio-teleport cleanup -f values.yaml
  istio-teleport cleanup -f values.yaml --with-istio --run-tctl --yes

Exit codes:
  0   cleaned up, or nothing to do; without --yes: the script is on stdout
  1   refused: a flag or a value is wrong
  2   could not try or go on: helm, kubectl, tctl or what they talk to; run it again
  70  a defect of istio-teleport`;

/** What the flags of `cleanup` parse to; a flag that was not given is absent. */
export interface CleanupFlags extends ValuesFlags, ClusterFlags {
  withIstio: boolean;
  runTctl: boolean;
  yes: boolean;
  dryRun: boolean;
}

/** `istio-teleport cleanup`: the opposite of `install`, for what was installed by hand as well. */
export function cleanupCommand(): Command {
  return withClusterFlags(withValuesFlags(new Command("cleanup")))
    .description("take back what the chart and the tools made; shows only what it would do, unless --yes")
    .option("--with-istio", "also Istio's releases and CRDs", false)
    .option("--run-tctl", "also remove Teleport's resources instead of printing the commands", false)
    .option("--dry-run", "change nothing, print the commands (the default)", false)
    .option("--yes", "do it", false)
    .addHelpText("after", HELP)
    .action(async (flags: CleanupFlags) => {
      const { cleanup } = await import("./installation/cleanup/run.ts");
      await cleanup(flags);
    });
}
