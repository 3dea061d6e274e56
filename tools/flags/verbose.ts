import type { Command } from "commander";
import type { Runner } from "../programs/run.ts";
import { toldRunner } from "../programs/told-runner.ts";
import { say } from "../terminal/say.ts";

/** Commands that run no program. */
const RUN_NOTHING = ["init", "completion", "version"];

/**
 * A command whose subcommands, or which itself, has `--verbose`: behind the command, where people write it.
 *
 * @param build makes it with the runner that it gets
 */
export function withVerbose(runner: Runner, build: (runner: Runner) => Command): Command {
  let isVerbose = false;
  const command = build(
    toldRunner(runner, (line) => {
      if (isVerbose) say(line);
    }),
  );
  addFlag(command);
  return command.hook("preAction", (_, called) => {
    isVerbose = called.optsWithGlobals<{ verbose?: true }>().verbose === true;
  });
}

function addFlag(command: Command): void {
  if (RUN_NOTHING.includes(command.name())) return;
  for (const subcommand of command.commands) addFlag(subcommand);
  command.option("--verbose", "tell on stderr which programs were run, and how long each took");
}
