import { EXIT, ExitError } from "../../base/exit-error.ts";
import { isRecord, recordAt, textAt } from "../../base/json-value.ts";
import { isReady, known } from "../../doctor/facts/facts.ts";
import type { Pod } from "../../doctor/facts/objects.ts";
import { isPod } from "../../programs/kubernetes-objects.ts";
import { pause } from "../interruption.ts";
import { ALL_PODS } from "./objects.ts";
import type { Stage } from "./stage.ts";

/** Milliseconds between two looks. */
const PAUSE = 1_000;

/** A pod of the stage that is Ready. */
export type StagePod = Pod & { status: { podIP?: string } };

/**
 * Waits until every pod of the stage is Ready.
 *
 * @param timeout seconds
 * @throws ExitError (unavailable) that says what the first of them waits for
 */
export async function untilReady(stage: Stage, timeout: number): Promise<void> {
  const deadline = Date.now() + timeout * 1000;
  for (;;) {
    const pods = await stagePods(stage);
    const waiting = ALL_PODS.find((name) => !pods.some((pod) => pod.metadata.name === name && isReady(pod)));
    if (waiting === undefined) return;
    if (Date.now() >= deadline) {
      const pod = pods.find(({ metadata }) => metadata.name === waiting);
      throw new ExitError(
        `The pod ${waiting} was not ready within ${timeout} s: ${pod === undefined ? "it is gone" : reasonOf(pod)}; run \`istio-teleport doctor\`, and rerun this command with --keep to look at the pod.`,
        EXIT.unavailable,
      );
    }
    await pause(PAUSE, stage.stop);
  }
}

/** @throws CouldNotLook where pods cannot be listed */
export async function stagePods({ api, namespace, stop }: Stage): Promise<StagePod[]> {
  const pods = await api.list(`/api/v1/namespaces/${namespace}/pods`, isStagePod);
  stop.throwIfAborted();
  return known(pods);
}

function isStagePod(value: unknown): value is StagePod {
  return isPod<StagePod>(value) && isRecord(value.status);
}

/** What the first container that does not run waits for, or the first condition that is not met. */
function reasonOf({ status }: { status: object }): string {
  const all = status as Record<string, unknown>;
  const containers = [all.initContainerStatuses, all.containerStatuses].flat().filter(isRecord);
  for (const container of containers) {
    const waiting = recordAt(recordAt(container, "state"), "waiting");
    const reason = textAt(waiting, "reason");
    if (reason === "" || reason === "PodInitializing") continue;
    return `its container ${textAt(container, "name")} waits, ${said(reason, textAt(waiting, "message"))}`;
  }
  const unready = containers.find(({ ready }) => ready === false);
  if (unready !== undefined) return `its container ${textAt(unready, "name")} is not ready`;
  const unmet = [all.conditions]
    .flat()
    .filter(isRecord)
    .find((condition) => condition.status === "False");
  return unmet === undefined
    ? "it says no reason"
    : `${textAt(unmet, "type")} is False, ${said(textAt(unmet, "reason"), textAt(unmet, "message"))}`;
}

function said(reason: string, message: string): string {
  return message === "" ? reason : `${reason}: ${message.replace(/\.$/, "")}`;
}
