import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { doctor } from "../../doctor/run.ts";
import { withTempDir } from "../../programs/temp-dir.ts";
import { storedResources } from "../../teleport/resources.ts";
import type { InstallFlags } from "./flags.ts";
import type { Prepared } from "./prepare.ts";

/** How long the doctor waits until pods that were just made are up. */
const WAIT = "60s";

/**
 * The last step: the doctor, with the values and with the join token as Teleport stores it. Its report is on stdout, and
 * its exit code becomes the process's.
 *
 * @throws ExitError (unavailable) when tctl or the cluster does not answer
 */
export async function diagnoseInstallation(
  { access, token, chart }: Prepared,
  flags: InstallFlags,
  examine: typeof doctor,
): Promise<void> {
  const { runner, ...cluster } = access;
  await withTempDir(async (directory) => {
    const tokenFile = join(directory, "token.json");
    const stored = await storedResources(runner, `token/${token.tokenName}`, "read the join token");
    await writeFile(tokenFile, JSON.stringify(stored), { mode: 0o600 });
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
      output: "table",
      wait: WAIT,
      tokenFile,
    });
  });
}
