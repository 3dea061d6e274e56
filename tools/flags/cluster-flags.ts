import { type Command, InvalidArgumentError } from "commander";

/** Adds the flags of a command that changes a cluster: which cluster, and how long one call of a program may wait. */
export function withClusterFlags(command: Command): Command {
  return command
    .option("--context <name>", "context of the kubeconfig (default: its current one)")
    .option("--kubeconfig <file>", "kubeconfig (default: as kubectl)")
    .option(
      "--timeout <seconds>",
      "how long one command may wait until what it changed is ready or gone",
      seconds,
      300,
    );
}

function seconds(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 3600) {
    throw new InvalidArgumentError("Give whole seconds from 1 to 3600.");
  }
  return number;
}
