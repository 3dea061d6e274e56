import { PROXY_CONTAINER } from "../../base/injection.ts";
import { isRecord, recordAt, textAt } from "../../base/json-value.ts";
import { isReady, known } from "../../doctor/facts/facts.ts";
import type { Pod } from "../../doctor/facts/objects.ts";
import { isPod } from "../../programs/kubernetes-objects.ts";
import { pause } from "../interruption.ts";
import type { Stage } from "./stage.ts";

/** Milliseconds between two looks. */
const PAUSE = 1_000;

/** A pod of the stage that is Ready. */
export type StagePod = Pod & { status: { podIP?: string } };

/** A pod that was not ready in time. */
export interface Unready {
  pod: string;
  /** What it waits for. */
  reason: string;
  /** Whether all that it waits for is its sidecar, which runs: without a certificate that never gets ready. */
  forProxy: boolean;
}

/**
 * Waits until these pods of the stage are Ready.
 *
 * @returns those that were not within the stage's timeout
 * @throws CouldNotLook where pods cannot be listed
 */
export async function untilReady(stage: Stage, names: readonly string[]): Promise<Unready[]> {
  const deadline = Date.now() + stage.timeout * 1000;
  for (;;) {
    const pods = await stagePods(stage);
    const waiting = names.filter((name) => !pods.some((pod) => pod.metadata.name === name && isReady(pod)));
    if (waiting.length === 0) return [];
    if (Date.now() >= deadline) {
      return waiting.map((name) =>
        unready(
          name,
          pods.find(({ metadata }) => metadata.name === name),
        ),
      );
    }
    await pause(PAUSE, stage.stop);
  }
}

function unready(name: string, pod: StagePod | undefined): Unready {
  if (pod === undefined) return { pod: name, reason: "it is gone", forProxy: false };
  return { pod: name, ...reasonOf(pod) };
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
function reasonOf({ status }: { status: object }): Omit<Unready, "pod"> {
  const all = status as Record<string, unknown>;
  const containers = [all.initContainerStatuses, all.containerStatuses].flat().filter(isRecord);
  for (const container of containers) {
    const waiting = recordAt(recordAt(container, "state"), "waiting");
    const reason = textAt(waiting, "reason");
    if (reason === "" || reason === "PodInitializing") continue;
    const text = `its container ${textAt(container, "name")} waits, ${said(reason, textAt(waiting, "message"))}`;
    return { reason: text, forProxy: false };
  }
  const container = containers.find(({ ready }) => ready === false);
  if (container !== undefined) {
    const name = textAt(container, "name");
    return { reason: `its container ${name} is not ready`, forProxy: name === PROXY_CONTAINER };
  }
  const unmet = [all.conditions]
    .flat()
    .filter(isRecord)
    .find((condition) => condition.status === "False");
  const reason =
    unmet === undefined
      ? "it says no reason"
      : `${textAt(unmet, "type")} is False, ${said(textAt(unmet, "reason"), textAt(unmet, "message"))}`;
  return { reason, forProxy: false };
}

function said(reason: string, message: string): string {
  return message === "" ? reason : `${reason}: ${message.replace(/\.$/, "")}`;
}
