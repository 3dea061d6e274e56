import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { doctor } from "../../doctor/run.ts";
import { withTempDir } from "../../programs/temp-dir.ts";
import type { InstallFlags } from "./flags.ts";
import type { Prepared } from "./prepare.ts";

/** How long the doctor waits until pods that were just made are up. */
const WAIT = "60s";

/**
 * The last step: the doctor, with the values and with what Teleport stores. Its report is on stdout, and its exit code
 * becomes the process's.
 *
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function diagnoseInstallation(
  { access, chart }: Prepared,
  flags: InstallFlags,
  examine: typeof doctor,
): Promise<void> {
  const { runner, ...cluster } = access;
  await withTempDir(async (directory) => {
    // stdin was read before; the doctor gets what it held.
    const stdinFile = join(directory, "values.yaml");
    if (chart.stdin !== undefined) await writeFile(stdinFile, chart.stdin);
    await examine(runner, {
      values: flags.values.map((file) => (file === "-" ? stdinFile : file)),
      set: flags.set,
      ...cluster,
      pre: false,
      skipIstio: false,
      namespace: [],
      only: [],
      format: "table",
      force: false,
      wait: WAIT,
      tctl: true,
    });
  });
}
