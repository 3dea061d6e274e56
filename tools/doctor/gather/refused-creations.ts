import { groupBy } from "../../base/group-by.ts";
import type { KubeApi } from "../../programs/kube-api/kube-api.ts";
import { PERMISSION_MISSING, type Read } from "../../programs/kube-api/read.ts";
import type { RefusedCreation } from "../snapshot.ts";

/** Workloads that are looked at, at most: each costs a request, and what refuses one often refuses all. */
const MOST_WORKLOADS = 100;

/** The collection that each kind of workload is in. */
const COLLECTIONS: Readonly<Record<string, string>> = {
  ReplicaSet: "apis/apps/v1",
  StatefulSet: "apis/apps/v1",
  DaemonSet: "apis/apps/v1",
  Job: "apis/batch/v1",
};

/** What a controller, and Kubernetes' library where it counts alike Events together, put before the API server's words. */
const OF_THE_CONTROLLER = /^(\(combined from similar events\): )?(Error creating: )?/;

interface CreationEvent {
  metadata: { creationTimestamp?: string };
  involvedObject: { kind?: string; namespace?: string; name?: string };
  message?: string;
  lastTimestamp?: string | null;
}

interface Workload {
  metadata: { ownerReferences?: { kind: string; name: string; controller?: boolean }[] };
  spec?: { replicas?: number; parallelism?: number; completions?: number; suspend?: boolean };
  status?: {
    replicas?: number;
    desiredNumberScheduled?: number;
    currentNumberScheduled?: number;
    active?: number;
    succeeded?: number;
    conditions?: { type: string; status: string }[];
  };
}

/**
 * The workloads that the API server refuses the next pod of, by admission, quota or Pod Security. No pod tells of it: only
 * Events do, which stay for an hour, while controllers try again at least every 17 minutes. An Event outlives its cause,
 * so each counts only while its workload lacks pods.
 */
export async function readRefusedCreations(api: KubeApi): Promise<Read<RefusedCreation[]>> {
  const events = await api.list("/api/v1/events?fieldSelector=reason=FailedCreate", isCreationEvent);
  if (!events.ok) return events;
  const ofWorkloads = events.value.filter(({ involvedObject: { kind = "" } }) => kind in COLLECTIONS);
  const workloads = groupBy(ofWorkloads, ({ involvedObject: { kind, namespace, name } }) =>
    [kind, namespace, name].join("/"),
  );
  const answers = await Promise.all([...workloads.values()].slice(0, MOST_WORKLOADS).map((own) => readOne(api, own)));
  const forbidden = answers.find((answer) => !answer.ok && answer.reason.startsWith(PERMISSION_MISSING));
  if (forbidden?.ok === false) return forbidden;
  return { ok: true, value: answers.flatMap((answer) => (answer.ok ? (answer.value ?? []) : [])) };
}

function isCreationEvent(value: unknown): value is CreationEvent {
  const { involvedObject } = (value ?? {}) as Partial<CreationEvent>;
  return typeof involvedObject === "object" && involvedObject !== null;
}

async function readOne(api: KubeApi, events: readonly CreationEvent[]): Promise<Read<RefusedCreation | undefined>> {
  const [newest] = events.toSorted((a, b) => (timeOf(a) < timeOf(b) ? 1 : -1));
  const { kind = "", namespace = "", name = "" } = newest?.involvedObject ?? {};
  const workload = await api.get<Workload>(
    `/${COLLECTIONS[kind]}/namespaces/${namespace}/${kind.toLowerCase()}s/${name}`,
  );
  if (!workload.ok) return workload;
  if (workload.value === undefined || !lacksPods(workload.value)) return { ok: true, value: undefined };
  const { kind: ownerKind, name: ownerName } =
    workload.value.metadata.ownerReferences?.find(({ controller }) => controller === true) ?? {};
  const message = (newest?.message ?? "").replace(OF_THE_CONTROLLER, "");
  return {
    ok: true,
    value: {
      kind,
      namespace,
      name,
      ...(ownerKind !== undefined && ownerName !== undefined && { owner: { kind: ownerKind, name: ownerName } }),
      message,
    },
  };
}

function timeOf({ lastTimestamp, metadata }: CreationEvent): string {
  return lastTimestamp ?? metadata.creationTimestamp ?? "";
}

/** Fewer pods than it is to have, as its controller counts them. */
function lacksPods({ spec = {}, status = {} }: Workload): boolean {
  if (status.desiredNumberScheduled !== undefined) {
    return (status.currentNumberScheduled ?? 0) < status.desiredNumberScheduled;
  }
  if (spec.parallelism !== undefined) {
    const isOver = status.conditions?.some(({ type, status: is }) => /^(Complete|Failed)$/.test(type) && is === "True");
    const left = spec.completions === undefined ? spec.parallelism : spec.completions - (status.succeeded ?? 0);
    return isOver !== true && spec.suspend !== true && (status.active ?? 0) < Math.min(spec.parallelism, left);
  }
  return (status.replicas ?? 0) < (spec.replicas ?? 0);
}
