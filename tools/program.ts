import { Command } from "commander";
import { packageVersion } from "./base/package-files.ts";
import { cleanupCommand } from "./cleanup.ts";
import { completionCommand } from "./completion.ts";
import { demoCommand } from "./demo.ts";
import { doctorCommand } from "./doctor.ts";
import { withVerbose } from "./flags/verbose.ts";
import { genTokenCommand } from "./gen-token.ts";
import { graphCommand } from "./graph.ts";
import { initCommand } from "./init.ts";
import { installCommand } from "./install.ts";
import type { Runner } from "./programs/run.ts";
import { renderCommand } from "./render.ts";
import { reportCommand } from "./report.ts";
import { testCommand } from "./test.ts";
import { watchCommand } from "./watch.ts";

const HELP = `
Documents go to stdout, everything else to stderr.

Exit codes:
  0   done
  1   refused: a flag, a value or another input is wrong
  2   the cluster, kubectl, Helm or the disk is unavailable
  3   done, and a difference was found
  70  a bug in istio-teleport; please report it`;

/**
 * The command line `istio-teleport`. Each command imports what its action needs only when it runs, so that help and
 * wrong flags answer at once. Flags belong to the command before them (positional): `graph learn` has flags of the same
 * names as `graph`.
 *
 * @param runner what runs kubectl, Helm and tctl
 */
export function istioTeleport(runner: Runner): Command {
  const version = packageVersion();
  return withVerbose(runner, (told) =>
    new Command("istio-teleport")
      .enablePositionalOptions()
      .description("Gives every workload of an Istio mesh its identity from Teleport Workload Identity.")
      .version(version)
      .addHelpText("after", HELP)
      .addCommand(initCommand())
      .addCommand(renderCommand(told))
      .addCommand(genTokenCommand(told))
      .addCommand(graphCommand(told))
      .addCommand(installCommand(told))
      .addCommand(doctorCommand(told))
      .addCommand(testCommand(told))
      .addCommand(watchCommand(told))
      .addCommand(reportCommand(told, version))
      .addCommand(cleanupCommand(told))
      .addCommand(demoCommand(told))
      .addCommand(completionCommand())
      .addCommand(versionCommand(version)),
  );
}

function versionCommand(version: string): Command {
  return new Command("version").description("print the version, as --version does").action(() => {
    process.stdout.write(`${version}\n`);
  });
}
