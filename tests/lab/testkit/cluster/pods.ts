import { shell, until } from "./shell.ts";

/** What the tests read of a pod. */
export interface Pod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly phase: string;
    readonly podIP?: string;
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** The pods of a namespace that match a label selector (default: all) and are not being deleted, in order of age. */
export async function livePods(namespace: string, selector = ""): Promise<Pod[]> {
  const list = JSON.parse(
    await shell(`kubectl -n ${namespace} get pods -l '${selector}' --sort-by=.metadata.creationTimestamp -o json`),
  ) as {
    items: (Pod & { metadata: { deletionTimestamp?: string } })[];
  };
  return list.items.filter((pod) => pod.metadata.deletionTimestamp === undefined);
}

/** The one pod that matches; throws if there are none or more. */
export async function onePod(namespace: string, selector: string): Promise<Pod> {
  const found = await livePods(namespace, selector);
  if (found.length !== 1 || found[0] === undefined)
    throw new Error(`${found.length} pods match ${selector} in ${namespace}`);
  return found[0];
}

export function isReady(pod: Pod): boolean {
  return pod.status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
}

/** Waits until the one pod that matches is Ready; throws after `seconds`. */
export function untilReady(namespace: string, selector: string, seconds: number): Promise<Pod> {
  return until(`the pod ${selector} in ${namespace} is Ready`, seconds, async () => {
    const pod = await onePod(namespace, selector);
    return isReady(pod) && pod;
  });
}

/** A pod's address; throws while it has none. */
export function address(pod: Pod): string {
  if (pod.status.podIP === undefined) throw new Error(`pod ${pod.metadata.name} has no address yet`);
  return pod.status.podIP;
}
