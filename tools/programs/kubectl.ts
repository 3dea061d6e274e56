import { failed, type Runner } from "./run.ts";

/** Which cluster kubectl talks to; without both, the current context of the user's kubeconfig. */
export interface ClusterChoice {
  context?: string;
  kubeconfig?: string;
}

/** The chosen cluster, and what runs kubectl and Helm for it. */
export interface ClusterAccess extends ClusterChoice {
  runner: Runner;
}

/** The cluster that flags choose, without those that were not given. */
export function accessOf(
  runner: Runner,
  { context, kubeconfig }: { [key in keyof ClusterChoice]: string | undefined },
): ClusterAccess {
  return { runner, ...(context !== undefined && { context }), ...(kubeconfig !== undefined && { kubeconfig }) };
}

/** The flags by which kubectl finds the cluster. */
export function accessFlags({ kubeconfig, context }: ClusterChoice): string[] {
  return [
    ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
    ...(context === undefined ? [] : [`--context=${context}`]),
  ];
}

/** What a call of kubectl may have besides its arguments. */
interface KubectlOptions {
  /** What to do where there is no kubectl: "give a saved JWKS with --jwks-file". */
  instead?: string;
  /** What it reads from standard input. */
  stdin?: string;
}

/**
 * Asks the cluster through the user's kubectl, so that every credential plugin of the kubeconfig works, and returns its
 * stdout. It never reads our stdin: a question of kubectl or of a credential plugin would wait unseen, since its text is
 * captured.
 *
 * @param purpose what the call is for, as the sentences put it: "read the cluster's JWKS"
 * @throws ExitError (unavailable) with the fix when kubectl is missing, finds no cluster or is refused
 */
export async function kubectl(
  access: ClusterAccess,
  purpose: string,
  args: readonly string[],
  { instead, stdin }: KubectlOptions = {},
): Promise<Buffer> {
  const command = {
    program: "kubectl",
    args: [...accessFlags(access), "--request-timeout=20s", ...args],
    ...(stdin !== undefined && { stdin }),
  };
  const ifMissing = instead === undefined ? {} : { ifMissing: `install it, or ${instead}` };
  const { code, stdout, stderr } = await access.runner.run(command, { purpose, ...ifMissing });
  if (code === 0) return stdout;
  throw failed(command, purpose, stderr);
}
