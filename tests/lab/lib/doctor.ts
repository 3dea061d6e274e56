import { USER_DIR } from "./installation.ts";
import { setFlags } from "./releases.ts";
import { tryShell } from "./shell.ts";

/** The parts of doctor's JSON report that are looked at. */
interface Report {
  readonly checks: readonly { readonly id: string; readonly status: string }[];
}

/**
 * Ids of the checks that are not fine on the lab's cluster, as a user's `doctor` says it.
 * Empty, too, where doctor could not look at all: the API server is away.
 *
 * @param sets what the release was installed with, beside the user's values
 */
export async function doctorNames(sets: readonly string[]): Promise<string[]> {
  // There is no proxy in the lab to ask for the version.
  const flags = `--output json --teleport-version 18.11.0 ${setFlags(sets)}`;
  const { stdout } = await tryShell(`npx -p istio-teleport istio-teleport doctor -f values.yaml ${flags}`, {
    cwd: USER_DIR,
  });
  if (stdout === "") return [];
  const { checks } = JSON.parse(stdout) as Report;
  return checks.filter(({ status }) => status !== "ok" && status !== "skipped").map(({ id }) => id);
}
