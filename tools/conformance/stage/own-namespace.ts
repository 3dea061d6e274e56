import { setTimeout } from "node:timers/promises";
import { kubectlCommand } from "../../programs/cluster-commands.ts";
import { type ClusterAccess, kubectl } from "../../programs/kubectl.ts";
import { failed, Interrupted } from "../../programs/run.ts";
import { shellText } from "../../programs/shell-text.ts";
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

/** Of one Ctrl-C below npx two signals come, and an API server restarts: neither must keep what was made. */
const ATTEMPTS = 3;

/**
 * The API server's own refusal, after which it has made nothing: what has the name is somebody else's. An answer that it
 * was late or failed is none, since it may have made the namespace all the same.
 */
const REFUSED = /Error from server \((?!Timeout|ServerTimeout|InternalError|ServiceUnavailable)\w+\)/;

/**
 * Makes a namespace, calls `use`, and takes the namespace away, with all that is in it, whatever happens: after a failure
 * and after Ctrl-C, too. A run makes nothing outside it, and one that was there before stays.
 *
 * @param object as the API server takes it
 * @throws ExitError (unavailable) when it cannot be made; what is left of it afterwards is only said
 */
export async function withOwnNamespace<Result>(
  access: ClusterAccess,
  name: string,
  object: object,
  { keep, timeout }: TakingAway,
  use: () => Promise<Result>,
): Promise<Result> {
  const removal = shellText(kubectlCommand(access, ["delete", "namespace", name])).trim();
  const purpose = `create the namespace ${name}`;
  const command = kubectlCommand(access, ["create", "--filename=-"], JSON.stringify(object));
  let isOurs = true;
  try {
    const { code, stderr } = await access.runner.run(command, { purpose });
    isOurs = code === 0 || !REFUSED.test(stderr);
    if (code !== 0) throw failed(command, purpose, stderr);
    return await use();
  } finally {
    if (isOurs && keep) say(`The namespace ${name} is kept; remove it with \`${removal}\`.`);
    else if (isOurs) await takeAway(access, name, timeout, removal);
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
      if (attempt === ATTEMPTS) throw error;
      // Whoever presses Ctrl-C now wants the namespace gone all the more.
      await setTimeout(error instanceof Interrupted ? 0 : PAUSE);
    }
  }
}

async function isThere(access: ClusterAccess, name: string): Promise<boolean> {
  const args = ["get", "namespace", name, "--ignore-not-found", "--output=name"];
  return (await kubectl(access, `look at the namespace ${name}`, args)).length > 0;
}
