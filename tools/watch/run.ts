import { EXIT } from "../base/exit-error.ts";
import { CHECKS } from "../doctor/checks/all.ts";
import { exitCode } from "../doctor/diagnose.ts";
import { writeReport } from "../doctor/reports/report.ts";
import { examine } from "../doctor/run.ts";
import { accessOf } from "../programs/kubectl.ts";
import { isUnavailable, type Runner } from "../programs/run.ts";
import { parseKeyIds } from "../teleport/join/key-ids.ts";
import { say } from "../terminal/say.ts";
import { cronJobName, recordEvent } from "./event.ts";
import type { WatchFlags } from "./flags.ts";
import { keyCheck } from "./key-check.ts";
import { verdict } from "./verdict.ts";

/**
 * Looks at the mesh once, as doctor, and at the cluster's keys; prints doctor's report, records the result as an Event, and
 * sets doctor's exit code.
 *
 * @throws ExitError refused for a wrong flag; unavailable when there is no cluster, or the Event cannot be recorded and
 *   nothing worse was found
 */
export async function watch(runner: Runner, flags: WatchFlags): Promise<void> {
  const { keyIds, eventOn, ...others } = flags;
  const ids = keyIds === undefined ? undefined : parseKeyIds("--key-ids", keyIds);
  const on = eventOn === undefined ? undefined : cronJobName(eventOn);
  const checks = CHECKS.map((check) => (check.id === "token-keys" && ids !== undefined ? keyCheck(check, ids) : check));
  const { results, facts } = await examine(runner, { ...others, tctl: false }, checks);
  await writeReport({ format: "table", force: false }, results, facts);
  process.exitCode = exitCode(results);
  if (on === undefined) return;
  try {
    await recordEvent(accessOf(runner, flags), on, verdict(results));
  } catch (error) {
    // A problem must not be taken for something that could not be looked at.
    if (!isUnavailable(error) || process.exitCode !== EXIT.refused) throw error;
    say(`istio-teleport: ${error.message}`);
  }
}
