import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { gather } from "../../../tools/doctor/gather/gather.ts";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";
import { KubeApi } from "../../../tools/programs/kube-api/kube-api.ts";
import { type Rendered, renderObjects } from "../../support/scenarios.ts";
import { healthySnapshot } from "../doctor/healthy-snapshot.ts";
import { fakeApiServer } from "../support/fake-api-server.ts";

/**
 * The chart's rights for `istio-teleport watch` are those of the requests that doctor makes, no fewer and no more: here
 * by the requests of a recorded mesh, in the lab by the API server (tests/lab/14-key-rotation.test.ts).
 */

const MESHED = "test-app";

/** What a request needs, "list apps/daemonsets"; with the namespace where the chart grants it there only. */
function rightOf(request: string): string[] {
  const [method = "", url = ""] = request.split(" ");
  const { pathname, searchParams } = new URL(url, "http://localhost");
  const path = /^\/(?:api|apis\/([^/]+))\/v\d[^/]*\/(?:namespaces\/([^/]+)\/)?([^/]+)(?:\/([^/]+))?(?:\/([^/]+))?/.exec(
    pathname,
  );
  if (path === null || /^\/(version|openid|\.well-known)/.test(pathname)) return [];
  const [, group = "", namespace, resource = "", name, subresource] = path;
  const verb = method === "POST" ? "create" : name === undefined ? "list" : "get";
  const kind = [group, subresource === undefined ? resource : `${resource}/${subresource}`].filter(Boolean).join("/");
  const right = `${verb} ${kind}${namespace === undefined ? "" : ` in ${namespace}`}`;
  expect(searchParams.get("watch")).toBeNull();
  // A WebSocket is opened with GET, for which newer API servers want the right to create.
  return subresource === "portforward" ? [right, right.replace("get", "create")] : [right];
}

/** What the rules of the chart's roles allow, in the same words. */
function rightsIn(objects: readonly Rendered[]): string[] {
  const bindings = objects.filter(
    ({ kind, subjects }) => /Binding$/.test(kind) && subjects?.[0]?.name.endsWith("watch"),
  );
  return bindings.flatMap(({ kind, metadata, roleRef }) => {
    const role = objects.find(
      (object) =>
        object.kind === roleRef.kind &&
        object.metadata.name === roleRef.name &&
        (roleRef.kind === "ClusterRole" || object.metadata.namespace === metadata.namespace),
    );
    const where = kind === "RoleBinding" ? ` in ${metadata.namespace}` : "";
    const rules: { apiGroups: string[]; resources: string[]; verbs: string[] }[] = role?.rules ?? [];
    return rules.flatMap(({ apiGroups, resources, verbs }) =>
      verbs.flatMap((verb) =>
        resources.map((resource) => `${verb} ${[apiGroups[0], resource].filter(Boolean).join("/")}${where}`),
      ),
    );
  });
}

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "rights-test-"));
});
afterAll(() => rm(directory, { recursive: true }));

/** An Event of each kind of workload that a pod was refused to: doctor then looks at the workload. */
const REFUSED = ["DaemonSet", "Job", "ReplicaSet", "StatefulSet"].map((kind) => ({
  metadata: {},
  involvedObject: { kind, namespace: "shop", name: "a" },
}));

/** Envoy's admin interface in a proxy that has no certificate yet: doctor then looks for the reason in its log. */
function withoutCertificate(_pod: string, path: string): { body: string } {
  if (path.startsWith("/clusters")) return { body: "" };
  return { body: JSON.stringify(path === "/certs" ? { certificates: [] } : { configs: [] }) };
}

/** All requests that doctor makes of the recorded mesh, none of whose proxies has a certificate. */
async function requests(snapshot: Snapshot): Promise<string[]> {
  const socket = join(directory, "api");
  const value = (key: keyof Snapshot) => (snapshot[key] as { value: unknown }).value;
  const lists: [RegExp, keyof Snapshot][] = [
    [/^\/api\/v1\/nodes$/, "nodes"],
    [/^\/api\/v1\/namespaces$/, "namespaces"],
    [/^\/api\/v1\/pods$/, "pods"],
    [/\/daemonsets\?.*name=tbot,/, "tbotDaemonSets"],
    [/\/deployments\?.*app=istiod/, "istiods"],
  ];
  const server = await fakeApiServer(
    socket,
    ({ pathname, searchParams }) => {
      const asked = `${pathname}?${searchParams.get("labelSelector") ?? ""}`.replace(/\?$/, "");
      const key = lists.find(([pattern]) => pattern.test(asked))?.[1];
      if (key !== undefined) return { body: { items: value(key), metadata: {} } };
      if (pathname === "/api/v1/events") return { body: { items: REFUSED, metadata: {} } };
      if (pathname.endsWith("/tbot")) return { body: { data: { "tbot.yaml": value("tbotConfig") } } };
      return pathname === "/version" ? { body: { gitVersion: "v1.37.0" } } : { body: { items: [] } };
    },
    withoutCertificate,
  );
  const api = new KubeApi(socket);
  try {
    await gather(api, { scope: [MESHED], teleportVersion: "18.11.1" }, () => {});
    return server.requests;
  } finally {
    api.close();
    await server.close();
  }
}

it("has a right for each request of doctor, and a request for each right", async () => {
  const sets = ["watch.namespaces={test-app}", "mesh.rootNamespace=istio-system"];
  const granted = rightsIn(await renderObjects("monitoring", ...sets));
  // What is granted in the whole cluster is granted in each namespace.
  const widest = (right: string) =>
    [right.replace(/ in .*/, ""), right].find((each) => granted.includes(each)) ?? right;
  const needed = new Set((await requests(healthySnapshot())).flatMap(rightOf).map(widest));
  // watch itself: kubectl finds the CronJob and creates the Event.
  const own = ["create events in teleport-system", "get batch/cronjobs in teleport-system"];
  expect(granted.toSorted()).toEqual([...needed, ...own].toSorted());
});
