import { USER_DIR } from "./installation.ts";
import { setFlags } from "./releases.ts";
import { tryShell } from "./shell.ts";

/** The parts of doctor's JSON report that are looked at. */
export interface Report {
  readonly checks: readonly {
    readonly id: string;
    readonly status: string;
    readonly seen: string;
    readonly findings: readonly { readonly status: string; readonly subject: string; readonly evidence: string }[];
  }[];
  readonly proxies: readonly {
    readonly pod: string;
    readonly usesRoot: string | null;
    readonly trustsRoots: readonly string[];
  }[];
}

/** doctor's report as a user gets it, with the join token that Teleport stores; throws if there is none. */
export async function doctorReport(flags = ""): Promise<Report> {
  const { stdout, stderr } = await tryShell(
    `tctl get token/istio-tbot-k8s-join --format json | npx -p istio-teleport istio-teleport doctor -f values.yaml --token-file - --teleport-version 18.11.0 --output json ${flags}`,
    { cwd: USER_DIR },
  );
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout) as Report;
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
  // There is no proxy in the lab to ask for the version.
  const flags = `--output json --teleport-version 18.11.0 ${setFlags(sets)}`;
  const { stdout } = await tryShell(`npx -p istio-teleport istio-teleport doctor -f values.yaml ${flags}`, {
    cwd: USER_DIR,
  });
  if (stdout === "") return [];
  const { checks } = JSON.parse(stdout) as Report;
  return checks.filter(({ status }) => status !== "ok" && status !== "skipped").map(({ id }) => id);
}
