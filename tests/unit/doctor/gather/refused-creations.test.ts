import { expect, it } from "vitest";
import { readRefusedCreations } from "../../../../tools/doctor/gather/refused-creations.ts";
import type { KubeApi } from "../../../../tools/programs/kube-api/kube-api.ts";

interface Event {
  involvedObject: { kind: string; namespace: string; name: string };
  metadata: object;
  message: string;
  lastTimestamp?: string;
}

const event = (kind: string, message = "Error creating: no", lastTimestamp = "2026-11-28T10:00:00Z"): Event => ({
  involvedObject: { kind, namespace: "a", name: "x" },
  metadata: {},
  message,
  lastTimestamp,
});

async function read(events: readonly Event[], object: object | undefined, reason?: string) {
  const paths: string[] = [];
  const api = {
    list: async (path: string) => {
      paths.push(path);
      return { ok: true, value: events };
    },
    get: async (path: string) => {
      paths.push(path);
      return reason === undefined ? { ok: true, value: object && { metadata: {}, ...object } } : { ok: false, reason };
    },
  };
  return { read: await readRefusedCreations(api as unknown as KubeApi), paths };
}

it.each([
  ["ReplicaSet", "apps/v1/namespaces/a/replicasets/x", { spec: { replicas: 2 }, status: { replicas: 1 } }],
  ["StatefulSet", "apps/v1/namespaces/a/statefulsets/x", { spec: { replicas: 1 }, status: {} }],
  [
    "DaemonSet",
    "apps/v1/namespaces/a/daemonsets/x",
    { status: { desiredNumberScheduled: 2, currentNumberScheduled: 1 } },
  ],
  ["Job", "batch/v1/namespaces/a/jobs/x", { spec: { parallelism: 1, completions: 1 }, status: {} }],
])("names a %s that lacks pods", async (kind, path, object) => {
  const { read: found, paths } = await read([event(kind)], object);
  expect(paths).toEqual(["/api/v1/events?fieldSelector=reason=FailedCreate", `/apis/${path}`]);
  expect(found).toEqual({ ok: true, value: [{ kind, namespace: "a", name: "x", message: "no" }] });
});

it.each([
  ["has its pods by now", "ReplicaSet", { spec: { replicas: 2 }, status: { replicas: 2 } }],
  ["is to have none", "ReplicaSet", { spec: { replicas: 0 } }],
  ["is on each node", "DaemonSet", { status: { desiredNumberScheduled: 2, currentNumberScheduled: 2 } }],
  ["is done", "Job", { spec: { parallelism: 1, completions: 1 }, status: { succeeded: 1 } }],
  [
    "has failed for another reason",
    "Job",
    { spec: { parallelism: 1 }, status: { conditions: [{ type: "Failed", status: "True" }] } },
  ],
  ["is suspended", "Job", { spec: { parallelism: 1, suspend: true } }],
  ["is gone", "ReplicaSet", undefined],
])("passes over a workload that %s", async (_, kind, object) => {
  expect((await read([event(kind)], object)).read).toEqual({ ok: true, value: [] });
});

it("has the newest words, and the owner", async () => {
  const metadata = { ownerReferences: [{ kind: "Deployment", name: "web", controller: true }] };
  const events = [
    event("ReplicaSet", "Error creating: old", "2026-11-28T09:00:00Z"),
    event("ReplicaSet", "Error creating: new", "2026-11-28T10:00:00Z"),
    event("CronJob"),
  ];
  const { read: found, paths } = await read(events, { metadata, spec: { replicas: 1 } });
  expect(found).toMatchObject({
    value: [{ message: "new", owner: { kind: "Deployment", name: "web" } }],
  });
  expect(paths).toHaveLength(2);
});

it.each(["no", "Error creating: no", "(combined from similar events): Error creating: no"])(
  "has the API server's words alone: %s",
  async (message) => {
    const { read: found } = await read([event("ReplicaSet", message)], { metadata: {}, spec: { replicas: 1 } });
    expect(found).toMatchObject({ value: [{ message: "no" }] });
  },
);

it("says which permission is missing", async () => {
  const reason = "permission missing: replicasets is forbidden";
  expect((await read([event("ReplicaSet")], {}, reason)).read).toEqual({ ok: false, reason });
});
