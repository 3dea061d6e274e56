import { rmSync } from "node:fs";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { daemons, stopDaemon } from "../cluster/daemons.ts";
import { namespaceRemains, removeNamespaces } from "../machine/namespaces.ts";
import type { LabPaths } from "../machine/paths.ts";
import { say, step } from "../machine/progress.ts";

/**
 * Stops everything and makes sure that nothing is left: no process, mount, cgroup or network namespace.
 * The cluster's state stays for the next `up`, like a node's disk after a power-off, unless `wipe` is set.
 * Throws an ExitError that names what is left.
 */
export async function down(paths: LabPaths, wipe: boolean): Promise<void> {
  await step("stopping daemons", 3, async () => {
    for (const daemon of [...daemons(paths)].reverse()) await stopDaemon(paths, daemon);
  });
  await step("ending pods, removing namespaces and cgroups", 1, () => removeNamespaces(paths));
  const remains = await namespaceRemains(paths);
  if (remains.length > 0)
    throw new ExitError(`The lab is down, but this is left of it: ${remains.join(", ")}.`, EXIT.unavailable);
  if (wipe) rmSync(paths.state, { recursive: true, force: true });
  say(
    `The lab is down: no process, mount, cgroup or network namespace of it is left.${wipe ? " Its state is gone too." : ""}`,
  );
}
