import { readFile } from "node:fs/promises";
import { text as readStream } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { goDurationSeconds } from "../base/durations.ts";
import { ExitError } from "../base/exit-error.ts";
import { versionIn } from "../base/versions.ts";
import { type KubeApi, withKubeApi } from "../programs/kube-api/kube-api.ts";
import { accessOf } from "../programs/kubectl.ts";
import type { Runner } from "../programs/run.ts";
import { type StoredToken, storedTokens } from "../teleport/join/stored-token.ts";
import { CHECKS } from "./checks/all.ts";
import type { Check } from "./checks/check.ts";
import { diagnose, exitCode, type Result } from "./diagnose.ts";
import { type Facts, makeFacts } from "./facts/make-facts.ts";
import type { DoctorFlags } from "./flags.ts";
import { withConnectionBreaks } from "./gather/connection-breaks.ts";
import { type Given, gather } from "./gather/gather.ts";
import { readStoredInTeleport } from "./gather/stored-in-teleport.ts";
import { chosenChecks } from "./only.ts";
import { refuseIdleForce, writeReport } from "./reports/report.ts";
import { summary } from "./reports/table.ts";
import type { Snapshot } from "./snapshot.ts";

/** Between two looks of --wait, in milliseconds. */
const PAUSE = 3_000;

/** The flags that say where and at what to look. */
type ExaminationFlags = Omit<DoctorFlags, "pre" | "skipIstio" | "only" | "format" | "output" | "force">;

/** What doctor found, and what it is concluded from. */
export interface Examination {
  results: Result[];
  facts: Facts;
}

/**
 * Looks at the cluster, prints the report on stdout and sets the exit code: 0 fine, 1 problems, 2 something could not be
 * checked.
 *
 * @throws ExitError refused for a wrong flag or input; unavailable when there is no cluster to look at
 */
export async function doctor(runner: Runner, flags: DoctorFlags): Promise<void> {
  if (flags.skipIstio) throw new ExitError("--skip-istio is for --pre; leave it out, or add --pre.");
  refuseIdleForce(flags);
  const { results, facts } = await examine(runner, flags, chosenChecks(flags.only, CHECKS));
  await writeReport(flags, results, facts);
  process.exitCode = exitCode(results);
}

/**
 * What the checks find in the cluster, by the flags that say where and at what to look.
 *
 * @throws ExitError as `doctor`
 */
export async function examine(runner: Runner, flags: ExaminationFlags, checks: readonly Check[]): Promise<Examination> {
  const deadline = Date.now() + waitSeconds(flags.wait) * 1000;
  const given = await readGiven(runner, flags);
  return withKubeApi(accessOf(runner, flags), (api) => look(api, checks, given, deadline));
}

/** Looks again until everything is fine or the time is over; the last look counts. */
async function look(api: KubeApi, checks: readonly Check[], given: Given, deadline: number): Promise<Examination> {
  for (;;) {
    const snapshot = await gather(api, given, progress);
    refuseUnknownNamespaces(snapshot);
    const facts = await withConnectionBreaks(api, makeFacts(snapshot));
    const results = diagnose(checks, facts);
    if (exitCode(results) === 0 || Date.now() + PAUSE >= deadline) {
      progress("");
      return { results, facts };
    }
    progress(`waiting: ${summary(results)}`);
    await sleep(PAUSE);
  }
}

/** A namespace that is not there has nothing wrong in it, which is no answer to whoever mistyped it. */
function refuseUnknownNamespaces({ scope = [], namespaces }: Snapshot): void {
  if (!namespaces.ok) return;
  const absent = scope.find((name) => !namespaces.value.some(({ metadata }) => metadata.name === name));
  if (absent === undefined) return;
  progress("");
  throw new ExitError(`--namespace ${JSON.stringify(absent)} is not in the cluster; correct the name.`);
}

/** One line on a terminal, overwritten by the next one; nothing elsewhere. */
function progress(what: string): void {
  if (process.stderr.isTTY === true) process.stderr.write(`\r\u001b[K${what}`);
}

function waitSeconds(wait: string | undefined): number {
  if (wait === undefined) return 0;
  const seconds = goDurationSeconds(wait);
  if (seconds === undefined) {
    throw new ExitError(`--wait ${JSON.stringify(wait)} is not a duration; write it as 90s, 5m or 1h.`);
  }
  return seconds;
}

async function readGiven(runner: Runner, flags: ExaminationFlags): Promise<Given> {
  const { namespace, values, set, valuesKey: key, tctl, tokenFile, teleportVersion: version } = flags;
  if (tctl && tokenFile !== undefined) {
    throw new ExitError("--tctl reads the join token by itself; leave out --token-file, or --tctl.");
  }
  if (tokenFile === "-" && values.includes("-")) {
    throw new ExitError("-f - and --token-file - both read stdin, which can be read only once; put one into a file.");
  }
  if (version !== undefined && versionIn(version) === undefined) {
    throw new ExitError(`--teleport-version ${JSON.stringify(version)} is no version; write it as 18.11.1.`);
  }
  const isIntended = values.length > 0 || set.length > 0 || key !== undefined;
  const { loadValues } = await import("../values/load.ts");
  const intended = isIntended ? await loadValues(runner, { files: values, sets: set, key }) : undefined;
  return {
    ...(namespace.length > 0 && { scope: namespace }),
    ...(intended !== undefined && { intended }),
    ...(tctl && { readTeleport: () => readStoredInTeleport(runner, intended) }),
    ...(tokenFile !== undefined && { joinTokens: await readTokens(tokenFile) }),
    ...(version !== undefined && { teleportVersion: version }),
  };
}

async function readTokens(file: string): Promise<StoredToken[]> {
  const source = file === "-" ? "standard input" : `the file ${file}`;
  const tokens = storedTokens(file === "-" ? await readStream(process.stdin) : await readText(file), source);
  if (tokens.length === 0) {
    throw new ExitError(
      `There is no join token in ${source}; give it what \`tctl get token/NAME --format json\` prints.`,
    );
  }
  return tokens;
}

async function readText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ExitError(`The token file ${file} could not be read (${code}); name a readable file, or - for stdin.`);
  }
}
