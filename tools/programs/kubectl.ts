import { EXIT, ExitError } from "../base/exit-error.ts";
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

/**
 * The flags by which kubectl finds the cluster.
 *
 * @throws ExitError (refused) for an empty one, as a variable that is not set leaves it: kubectl would take the current cluster
 */
export function accessFlags({ kubeconfig, context }: ClusterChoice): string[] {
  const given = Object.entries({ kubeconfig, context }).filter(([, value]) => value !== undefined);
  const empty = given.find(([, value]) => value === "")?.[0];
  if (empty !== undefined) {
    throw new ExitError(`--${empty} is empty; name a ${empty}, or leave the flag out for the current cluster.`);
  }
  return given.map(([flag, value]) => `--${flag}=${value}`);
}

/**
 * URL of the API server that Kubernetes names to every pod, by the variables that kubectl goes by where no kubeconfig
 * tells otherwise (client-go rest.InClusterConfig); undefined outside a pod.
 */
export function inPodServer(): string | undefined {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = process.env;
  if (!host || !port) return undefined;
  return `https://${host.includes(":") ? `[${host}]` : host}:${port}`;
}

/**
 * With any such flag kubectl no longer takes a pod's own cluster (client-go DeferredLoadingClientConfig: what is
 * configured is not the default any more), so a pod without a choice of its own has only the runner's limit.
 */
function timeLimit(choice: ClusterChoice): string[] {
  return mayBePodsOwn(choice) ? [] : ["--request-timeout=20s"];
}

function mayBePodsOwn({ context, kubeconfig }: ClusterChoice): boolean {
  return context === undefined && kubeconfig === undefined && inPodServer() !== undefined;
}

/** No kubeconfig leads to a cluster. */
export class NoCluster extends ExitError {
  constructor(purpose: string, reason: string) {
    super(`Could not ${purpose}: ${reason}.`, EXIT.unavailable);
  }
}

/** What a call of kubectl may have besides its arguments. */
export interface KubectlOptions {
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
    args: [...accessFlags(access), ...timeLimit(access), ...args],
    ...(stdin !== undefined && { stdin }),
  };
  const ifMissing = instead === undefined ? {} : { ifMissing: `install it, or ${instead}` };
  const { code, stdout, stderr } = await access.runner.run(command, { purpose, ...ifMissing });
  if (code === 0) return stdout;
  // Reads YAML, which no call needs that succeeds.
  const { kubeconfigReason } = await import("./kubeconfig-reason.ts");
  const reason = mayBePodsOwn(access) ? undefined : kubeconfigReason(access, stderr);
  throw reason === undefined ? failed(command, purpose, stderr) : new NoCluster(purpose, reason);
}
