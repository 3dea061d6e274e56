import { setTimeout as sleep } from "node:timers/promises";
import { isReady, livePods } from "../cluster/pods.ts";
import { type FailedRequest, startLoad } from "../traffic/load.ts";
import { tbotRolledOut } from "./releases.ts";

const NAMESPACE = "test-app";
const RATE = 30;
/** After each change: sidecars get its configuration, and drain what it replaced (5 s in the lab). */
const SETTLE_MS = 12_000;

/** A change of the mesh, for people by name. */
export type Change = readonly [name: string, make: () => Promise<void>];

/** What became of the test app meanwhile. */
interface Outcome {
  /** `NAME: N of N requests failed`, a line a change. */
  readonly counts: readonly string[];
  readonly failed: readonly FailedRequest[];
  /** Every state in which a pod was seen, each once. */
  readonly pods: readonly string[];
}

/** The pods of the test app: name, UID and whether each is Ready. */
export async function podStates(): Promise<string[]> {
  const pods = await livePods(NAMESPACE);
  return pods.map((pod) => `${pod.metadata.name} ${pod.metadata.uid} ready=${isReady(pod)}`).toSorted();
}

/** Waits until what a change left behind has come to rest. */
export async function settled(): Promise<void> {
  await tbotRolledOut();
  await sleep(SETTLE_MS);
}

/** Makes one change after the other while the test app's client calls its server at a steady rate. */
export async function changedUnderLoad(changes: readonly Change[]): Promise<Outcome> {
  const load = await startLoad(RATE);
  const watch = new AbortController();
  const pods = watchPods(watch.signal);
  const counts: string[] = [];
  let stopped: Awaited<ReturnType<typeof load.stop>> | undefined;
  try {
    for (const [name, make] of changes) {
      const before = load.soFar();
      await make();
      await settled();
      const after = load.soFar();
      const requests = after.requests - before.requests;
      counts.push(`${name}: ${after.failed.length - before.failed.length} of ${requests} requests failed`);
    }
  } finally {
    watch.abort();
    stopped = await load.stop();
    process.stderr.write(`${counts.join("\n")}\n`);
  }
  return { counts, failed: stopped.failed, pods: await pods };
}

/** Every state of a pod that was seen until the signal, each once. */
async function watchPods(signal: AbortSignal): Promise<string[]> {
  const seen = new Set<string>();
  while (!signal.aborted) {
    for (const pod of await podStates()) seen.add(pod);
    await sleep(500);
  }
  return [...seen].toSorted();
}
