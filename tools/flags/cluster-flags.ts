import { type Command, InvalidArgumentError, Option } from "commander";
import { goDurationSeconds } from "../base/durations.ts";

/** Adds the flags of a command that changes a cluster: which cluster, and how long one call of a program may wait. */
export function withClusterFlags(command: Command): Command {
  return command
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--kubeconfig <file>", "kubeconfig (default: as kubectl)")
    .addOption(
      new Option(
        "--timeout <duration>",
        "how long one command may wait until what it changed is ready or gone: 90s, 10m",
      )
        .argParser(seconds)
        .default(300, "5m"),
    );
}

function seconds(text: string): number {
  const number = goDurationSeconds(text);
  if (number === undefined || !Number.isInteger(number) || number < 1 || number > 3600) {
    throw new InvalidArgumentError("Give a duration from 1s to 1h, such as 90s or 10m.");
  }
  return number;
}
