import { PROXY_CONTAINER } from "../../base/injection.ts";
import { PERMISSION_MISSING } from "../../programs/kube-api/read.ts";
import type { MeshProxy } from "../snapshot.ts";
import type { ContainerStatus, Pod } from "./objects.ts";

/** A proxy that does not get up. */
export interface StoppedProxy {
  /** The container that does not: the proxy, or what Istio runs before it. */
  container: string;
  /** As `kubectl get pods` has it: "CrashLoopBackOff", "ErrImagePull", "Error, exit code 1". */
  state: string;
  /** Whether the log of the container before the present one has its last words; absent where no container has run. */
  saidBefore?: boolean;
}

/** What Istio runs before the proxy: it sets the pod's network up, or with istio-cni sees that somebody has. */
const NETWORK_CONTAINERS = ["istio-init", "istio-validation"];

/** Why a container waits while nothing is wrong. */
const ON_ITS_WAY = ["ContainerCreating", "PodInitializing"];

/**
 * How a pod's proxy fails to run: it does not answer, and its container, or one of Istio's before it, ended and is not
 * ready again, or cannot start; `undefined` otherwise. One that ended and answers again waits for something else.
 *
 * @param secrets what it answered
 */
export function stoppedProxy({ status }: Pod, secrets: MeshProxy["secrets"] | undefined): StoppedProxy | undefined {
  if (secrets?.ok === true) return undefined;
  const all = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const before = all.filter(({ name, ready }) => NETWORK_CONTAINERS.includes(name) && ready !== true);
  const proxy = all.filter(({ name, ready }) => name === PROXY_CONTAINER && ready !== true);
  for (const container of [...before, ...proxy]) {
    const stopped = howStopped(container, secrets);
    if (stopped !== undefined) return { container: container.name, ...stopped };
  }
  return undefined;
}

function howStopped(
  { name, state, lastState }: ContainerStatus,
  secrets: MeshProxy["secrets"] | undefined,
): Omit<StoppedProxy, "container"> | undefined {
  const ended = state?.terminated ?? lastState?.terminated;
  const waits = state?.waiting?.reason;
  if (waits !== undefined && !ON_ITS_WAY.includes(waits)) {
    return { state: waits, ...(ended !== undefined && { saidBefore: false }) };
  }
  // An init container that is through ends with 0.
  const isThrough = name !== PROXY_CONTAINER && ended?.exitCode === 0;
  // It runs again, and nobody may ask it whether it works.
  const isHidden =
    state?.running !== undefined && secrets?.ok === false && secrets.reason.startsWith(PERMISSION_MISSING);
  if (ended === undefined || isThrough || isHidden) return undefined;
  const { reason = "Error", exitCode } = ended;
  return {
    state: exitCode === undefined ? reason : `${reason}, exit code ${exitCode}`,
    saidBefore: state?.running !== undefined,
  };
}
