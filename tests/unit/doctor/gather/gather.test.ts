import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parseAllDocuments } from "yaml";
import type { Pod } from "../../../../tools/doctor/facts/objects.ts";
import { gather } from "../../../../tools/doctor/gather/gather.ts";
import type { KubeApi } from "../../../../tools/programs/kube-api/kube-api.ts";
import { repositoryPath } from "../../../support/run-helm.ts";

it("takes the DaemonSets of the values' namespace for tbot and the driver, whatever else has their labels", async () => {
  const daemonSet = (namespace: string) => ({
    metadata: { name: "tbot", namespace },
    spec: { template: { spec: { containers: [] } } },
  });
  const nothing = async () => ({ ok: true, value: undefined });
  const api = {
    date: async () => ({ ok: true, value: 0 }),
    list: async (path: string) => ({
      ok: true,
      value: path.includes("/daemonsets") ? [daemonSet("a-tenant"), daemonSet("teleport-system")] : [],
    }),
    get: nothing,
    text: nothing,
    review: nothing,
  };
  const intended = { tbot: { namespace: { name: "teleport-system" } } };
  const given = { intended, teleportVersion: "18.11.1" };
  const { tbotDaemonSets, csiDaemonSets } = await gather(api as unknown as KubeApi, given as never, () => {});
  const namespaces = tbotDaemonSets.ok && tbotDaemonSets.value.map(({ metadata }) => metadata.namespace);
  expect(namespaces).toEqual(["teleport-system", "a-tenant"]);
  const drivers = csiDaemonSets.ok && csiDaemonSets.value.map(({ metadata }) => metadata.namespace);
  expect(drivers).toEqual(["teleport-system"]);
});

it("reads nothing that the ClusterRole of docs/operate/in-a-pod.md does not let it read", async () => {
  const paths: string[] = [];
  const asked = async (path: string) => {
    paths.push(path);
    const found = path.includes("/deployments?labelSelector=app=istiod") || path.includes("/daemonsets");
    const spec = { template: { spec: { containers: [], volumes: [{ configMap: { name: "tbot" } }] } } };
    const value = found ? [{ metadata: { name: "x", namespace: "y" }, spec }] : [];
    return { ok: true, value };
  };
  const nothing = async () => ({ ok: true, value: undefined });
  const api = { date: nothing, list: asked, get: asked, text: nothing, review: nothing };
  await gather(api as unknown as KubeApi, { teleportVersion: "18.11.1" }, () => {});
  const read = paths.flatMap((path) => {
    const [, group = "", resource = ""] =
      /^\/api(?:s\/([^/]+))?\/v1\/(?:namespaces\/[^/]+\/)?([a-z]+)/.exec(path) ?? [];
    return resource === "" ? [] : [`${resource} of "${group}"`];
  });
  const page = readFileSync(repositoryPath("docs/operate/in-a-pod.md"), "utf8");
  const [, manifests = ""] = /<<'EOF'\n([\s\S]*?)\nEOF/.exec(page) ?? [];
  interface Role {
    rules?: { apiGroups: string[]; resources: string[] }[];
  }
  const roles = parseAllDocuments(manifests).map((document) => document.toJS() as Role);
  const granted = roles
    .flatMap(({ rules = [] }) => rules)
    .flatMap(({ apiGroups, resources }) => resources.map((resource) => `${resource} of "${apiGroups[0]}"`));
  expect(read).toContain('daemonsets of "apps"');
  expect(read).toContain('configmaps of ""');
  expect(read.filter((what) => !granted.includes(what))).toEqual([]);
});

describe("the last words of a tbot that ended", () => {
  type Status = NonNullable<Pod["status"]["containerStatuses"]>[number];
  const ENDED = { terminated: { reason: "Error", exitCode: 1 } };

  /** Reads one pod of tbot; gives what its log is asked for beyond its last two minutes, and the last words. */
  async function read(status: Omit<Status, "name">, ready: boolean) {
    const labels = { app: "tbot" };
    const conditions = [
      { type: "Ready", status: ready ? "True" : "False", lastTransitionTime: "2026-11-28T10:00:00Z" },
    ];
    const pod: Pod = {
      metadata: { namespace: "teleport-system", name: "tbot-a", labels },
      spec: { nodeName: "n", containers: [] },
      status: { phase: "Running", conditions, containerStatuses: [{ name: "tbot", ...status }] },
    };
    const daemonSet = {
      metadata: { name: "tbot", namespace: "teleport-system" },
      spec: { template: { metadata: { labels }, spec: { containers: [] } } },
    };
    const paths: string[] = [];
    const nothing = async () => ({ ok: true, value: undefined });
    const api = {
      date: async () => ({ ok: true, value: 0 }),
      list: async (path: string) => ({
        ok: true,
        value: path.includes("/daemonsets") ? [daemonSet] : path.endsWith("/pods") ? [pod] : [],
      }),
      get: nothing,
      review: nothing,
      fromPod: async () => ({ ok: false, reason: "refused" }),
      text: async (path: string) => {
        if (path.includes("/log?") && !path.includes("sinceSeconds")) paths.push(path);
        return { ok: true, value: "ERROR: joining with token\n" };
      },
    };
    const { tbotPods } = await gather(api as unknown as KubeApi, { teleportVersion: "18.11.1" }, () => {});
    return { paths, lastWords: tbotPods[0]?.lastWords };
  }

  const LOG = "/api/v1/namespaces/teleport-system/pods/tbot-a/log?container=tbot&tailLines=50&previous=";
  const runningSince = (time: string) => ({ running: { startedAt: `2026-11-28T${time}Z` } });
  const WORDS = { ok: true, value: "joining with token" };

  it.each([
    ["while it waits to be started again", { state: {}, lastState: ENDED }, `${LOG}false`],
    ["right after its end", { state: ENDED }, `${LOG}false`],
    ["while it runs again", { state: { running: {} }, lastState: ENDED }, `${LOG}true`],
    [
      "while it runs again and was not ready since",
      { state: runningSince("10:00:00"), lastState: ENDED },
      `${LOG}true`,
    ],
  ])("are read %s", async (_, status, path) => {
    expect(await read(status, false)).toEqual({ paths: [path], lastWords: WORDS });
  });

  it.each([
    ["it has not ended", { state: { running: {} } }, false],
    ["it was ready after its end", { state: runningSince("09:59:59"), lastState: ENDED }, false],
    ["it is ready again", { state: { running: {} }, lastState: ENDED }, true],
  ])("are not read where %s", async (_, status, ready) => {
    expect(await read(status, ready)).toEqual({ paths: [], lastWords: undefined });
  });
});
