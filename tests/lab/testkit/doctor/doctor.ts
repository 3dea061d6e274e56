import { shell, tryShell } from "../cluster/shell.ts";
import { USER_DIR } from "../installation/installation.ts";
import { setFlags } from "../installation/releases.ts";

/** The parts of doctor's JSON report that are looked at. */
export interface Report {
  readonly checks: readonly {
    readonly id: string;
    readonly status: string;
    readonly examined: string;
    readonly findings: readonly { readonly status: string; readonly subject: string; readonly evidence: string }[];
  }[];
  readonly proxies: readonly {
    readonly pod: string;
    readonly expiresAt: string;
    readonly usesRoot: string | null;
    readonly trustsRoots: readonly string[];
  }[];
}

/** There is no proxy in the lab to ask for the version. */
const VERSION = "--teleport-version 18.11.0";

/**
 * What `doctor` reports with the user's values; its exit code is not judged. Throws what it says where it could not look
 * at all, as while the API server is away.
 */
export async function doctor(flags = "", input = ""): Promise<Report> {
  const line = `npx -p istio-teleport istio-teleport doctor -f values.yaml --format json ${VERSION} ${flags}`;
  const { stdout, stderr } = await tryShell(line, { cwd: USER_DIR, input });
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Report;
}

/** The same, with the join token that Teleport stores. */
export async function doctorReport(flags = ""): Promise<Report> {
  const token = await shell("tctl get token/istio-tbot-k8s-join --format json");
  return doctor(`--token-file - ${flags}`, token);
}

/** The checks of a report that are not fine. */
export function complaints({ checks }: Report): Report["checks"] {
  return checks.filter(({ status }) => status !== "ok" && status !== "skipped");
}

/** `<status> <id>: <evidence>` of everything that is not fine. */
export function complaintsOf({ checks }: Report): string[] {
  return checks.flatMap(({ id, findings }) => findings.map(({ status, evidence }) => `${status} ${id}: ${evidence}`));
}

/**
 * Ids of the checks that are not fine on the lab's cluster, as a user's `doctor` says it.
 * Empty, too, where doctor could not look at all: the API server is away.
 *
 * @param sets what the release was installed with, beside the user's values
 */
export async function doctorNames(sets: readonly string[]): Promise<string[]> {
  try {
    return complaints(await doctor(setFlags(sets))).map(({ id }) => id);
  } catch {
    return [];
  }
}
