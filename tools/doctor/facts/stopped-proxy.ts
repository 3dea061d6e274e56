import { PROXY_CONTAINER } from "../../base/injection.ts";
import { PERMISSION_MISSING } from "../../programs/kube-api/read.ts";
import type { MeshProxy } from "../snapshot.ts";
import type { Pod } from "./objects.ts";

/** A proxy that does not get up. */
export interface StoppedProxy {
  /** As `kubectl get pods` has it: "CrashLoopBackOff", "ErrImagePull", "Error, exit code 1". */
  state: string;
  /** Whether the log of the container before the present one has its last words; absent where no container has run. */
  saidBefore?: boolean;
}

/** Why a container waits while nothing is wrong. */
const ON_ITS_WAY = ["ContainerCreating", "PodInitializing"];

/**
 * How a pod's proxy fails to run: it does not answer, and its container ended and is not ready again, or cannot start;
 * `undefined` otherwise. One that ended and answers again waits for something else.
 *
 * @param secrets what it answered
 */
export function stoppedProxy({ status }: Pod, secrets: MeshProxy["secrets"] | undefined): StoppedProxy | undefined {
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const { state, lastState, ready } = all.find(({ name }) => name === PROXY_CONTAINER) ?? {};
  if (ready === true || secrets?.ok === true) return undefined;
  const ended = state?.terminated ?? lastState?.terminated;
  const waits = state?.waiting?.reason;
  if (waits !== undefined && !ON_ITS_WAY.includes(waits)) {
    return { state: waits, ...(ended !== undefined && { saidBefore: false }) };
  }
  // It runs again, and nobody may ask it whether it works.
  const isHidden = state?.running !== undefined && secrets?.reason.startsWith(PERMISSION_MISSING) === true;
  if (ended === undefined || isHidden) return undefined;
  const { reason = "Error", exitCode } = ended;
  return {
    state: exitCode === undefined ? reason : `${reason}, exit code ${exitCode}`,
    saidBefore: state?.running !== undefined,
  };
}
