import { kubectlCommand } from "../../programs/cluster-commands.ts";
import { type ClusterAccess, kubectl } from "../../programs/kubectl.ts";
import { failed, Interrupted } from "../../programs/run.ts";
import { say } from "../../terminal/say.ts";
import { pause, untilInterrupted } from "../interruption.ts";

/** How the namespace of a run is taken away. */
interface TakingAway {
  /** Leave it. */
  keep: boolean;
  /** Seconds until it must be gone. */
  timeout: number;
}

/** Milliseconds between two looks whether it is gone. */
const PAUSE = 1_000;

/** Of one Ctrl-C below npx two signals come, and the second one must not keep what was made. */
const ATTEMPTS = 3;

/**
 * Makes a namespace, calls `use`, and takes the namespace away, with all that is in it, whatever happens: after a failure
 * and after Ctrl-C, too. A run makes nothing outside it.
 *
 * @param object as the API server takes it; its name must be new, since whatever has it is deleted
 * @throws ExitError (unavailable) when it cannot be made; what is left of it afterwards is only said
 */
export async function withOwnNamespace<Result>(
  access: ClusterAccess,
  name: string,
  object: object,
  { keep, timeout }: TakingAway,
  use: () => Promise<Result>,
): Promise<Result> {
  const removal = `kubectl delete namespace ${name}`;
  try {
    await kubectl(access, `create the namespace ${name}`, ["create", "--filename=-"], {
      stdin: JSON.stringify(object),
    });
    return await use();
  } finally {
    if (keep) say(`The namespace ${name} is kept; remove it with \`${removal}\`.`);
    else await takeAway(access, name, timeout, removal);
  }
}

async function takeAway(access: ClusterAccess, name: string, timeout: number, removal: string): Promise<void> {
  say(`taking the namespace ${name} away`);
  try {
    await requestDeletion(access, name);
    // Who presses Ctrl-C once more does not want to wait.
    const gone = await untilInterrupted((stop) => isGoneWithin(access, name, timeout, stop));
    if (!gone)
      say(
        `The namespace ${name} is still there after ${timeout} s; look at it with \`kubectl get namespace ${name} --output=yaml\`.`,
      );
  } catch (error) {
    // What the run has found matters more, or why it failed.
    const reason = error instanceof Error ? error.message : String(error);
    say(`The namespace ${name} may be left: ${reason} Remove it with \`${removal}\`.`);
  }
}

async function isGoneWithin(access: ClusterAccess, name: string, timeout: number, stop: AbortSignal): Promise<boolean> {
  const deadline = Date.now() + timeout * 1000;
  while (await isThere(access, name)) {
    if (Date.now() > deadline) return false;
    await pause(PAUSE, stop);
  }
  return true;
}

async function requestDeletion(access: ClusterAccess, name: string): Promise<void> {
  const purpose = `delete the namespace ${name}`;
  const command = kubectlCommand(access, ["delete", "namespace", name, "--ignore-not-found", "--wait=false"]);
  for (let attempt = 1; ; attempt++) {
    try {
      const { code, stderr } = await access.runner.run(command, { purpose });
      if (code !== 0) throw failed(command, purpose, stderr);
      return;
    } catch (error) {
      if (!(error instanceof Interrupted) || attempt === ATTEMPTS) throw error;
    }
  }
}

async function isThere(access: ClusterAccess, name: string): Promise<boolean> {
  const args = ["get", "namespace", name, "--ignore-not-found", "--output=name"];
  return (await kubectl(access, `look at the namespace ${name}`, args)).length > 0;
}
