import { awaitDaemon, type Daemon, daemons, startDaemon, stopDaemon } from "../../../../lab/cluster/daemons.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";

function named(name: string): Daemon {
  const found = daemons(labPaths()).find((daemon) => daemon.name === name);
  if (found === undefined) throw new Error(`the lab has no daemon ${name}`);
  return found;
}

/** Ends a program of the lab (its name in lab/cluster/daemons.ts), as `down` would. */
export async function stopNodeDaemon(name: string): Promise<void> {
  await stopDaemon(labPaths(), named(name));
}

/**
 * Starts a program of the lab and waits until it does its work; one that runs with other flags is replaced.
 *
 * @param replace what becomes of its flags; default: they are the lab's own
 */
export async function startNodeDaemon(
  name: string,
  replace: (flags: readonly string[]) => readonly string[] = (flags) => flags,
): Promise<void> {
  const daemon = named(name);
  const [program, ...flags] = daemon.command as [string, ...string[]];
  await startDaemon(labPaths(), { ...daemon, command: [program, ...replace(flags)] });
  await awaitDaemon(labPaths(), daemon);
}
