import { readFileSync } from "node:fs";
import { Command } from "commander";
import { demoCommand } from "./demo.ts";
import { genTokenCommand } from "./gen-token.ts";
import { initCommand } from "./init.ts";
import { runMain } from "./lib/run-command.ts";
import { renderCommand } from "./render.ts";

const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
  version: string;
};

const program = new Command("istio-teleport")
  .description("Gives every workload of an Istio mesh its identity from Teleport Workload Identity.")
  .version(version)
  .addHelpText(
    "after",
    `
Documents go to stdout, everything else to stderr.

Exit codes:
  0   done
  1   refused: a flag, a value or another input is wrong
  2   could not try: cluster, kubectl, helm or disk did not answer
  70  a defect of istio-teleport`,
  );
// Each module imports what its action needs only when it runs, so that help and wrong flags answer at once.
program.addCommand(initCommand());
program.addCommand(renderCommand());
program.addCommand(genTokenCommand());
program.addCommand(demoCommand());

await runMain(program, process.argv);
