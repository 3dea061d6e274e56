import { describe, expect, it } from "vitest";
import type { Pod } from "../../../../tools/doctor/facts/objects.ts";
import { refusalIn, withRefusals } from "../../../../tools/doctor/gather/refusals.ts";
import type { MeshProxy, ProxySecrets } from "../../../../tools/doctor/snapshot.ts";
import type { KubeApi } from "../../../../tools/programs/kube-api/kube-api.ts";

/** As Envoy 1.40 with Istio's log format wrote it when the double's tbot refused it. */
const CLOSED =
  "2026-11-28T14:34:49.856754Z\twarning\tenvoy config ./source/extensions/config_subscription/grpc/grpc_stream.h:189\tStreamSecrets gRPC config stream to sds-grpc closed: 2, ";
const REFUSED =
  "fetching X509 SVIDs%0A%09workload identity failed evaluation%0A%09attributes did not pass rule evaluation%0A%09%09no matching rule found{via_upstream}";
const REASON =
  "fetching X509 SVIDs: workload identity failed evaluation: attributes did not pass rule evaluation: no matching rule found";
const THREAD = "\tthread=12709";

describe("Envoy's log", () => {
  it.each([
    ["a line of Envoy's", `${CLOSED}${REFUSED}${THREAD}`, REASON],
    ["the last of many", `${CLOSED}older${THREAD}\n${CLOSED}${REFUSED}${THREAD}\nother\n`, REASON],
    ["JSON", JSON.stringify({ scope: "envoy config", msg: `${CLOSED.split("\t").at(-1)}${REFUSED}` }), REASON],
    [
      "quotes",
      `${CLOSED}fetching%0A%09workload_identity "x" doesn't exist${THREAD}`,
      'fetching: workload_identity "x" doesn\'t exist',
    ],
    ["an older Envoy's", "StreamSecrets gRPC config stream closed: 13, internal", "internal"],
    [
      "a failure that lasts",
      "StreamSecrets gRPC config stream to sds-grpc closed since 40s ago: 14, no healthy upstream",
      "no healthy upstream",
    ],
    [
      "a change of status",
      "StreamSecrets gRPC config stream to sds-grpc closed: 14, reset (previously 4, slow since 3s ago)",
      "reset",
    ],
    ["more than ASCII", `${CLOSED}%E2%9C%97 50% of${THREAD}`, "✗ 50% of"],
    ["another server's stream", CLOSED.replace("sds-grpc", "sds-files") + REFUSED, undefined],
    ["no reason", CLOSED, undefined],
    ["nothing", "", undefined],
  ])("%s", (_, log, reason) => {
    expect(refusalIn(log)).toBe(reason);
  });

  it("is cut where it is long", () => {
    expect(refusalIn(`${CLOSED}${"x".repeat(1000)}`)).toHaveLength(500);
  });
});

const HELD: ProxySecrets = { chain: ["leaf"], roots: ["root"], serialsInUse: [], tbot: { connections: 1, streams: 2 } };

function proxy(pod: string, secrets: Partial<ProxySecrets> | undefined, namespace = "a"): MeshProxy {
  const read =
    secrets === undefined
      ? { ok: false as const, reason: "silent" }
      : { ok: true as const, value: { ...HELD, ...secrets } };
  return { namespace, pod, secrets: read };
}

/** Reads with an API that answers each log with its path; the paths are what was asked. */
async function read(proxies: MeshProxy[], accountOf = (name: string) => name) {
  const paths: string[] = [];
  const text = async (path: string) => {
    paths.push(path);
    return { ok: true as const, value: `${CLOSED}refused ${path.split("/")[6]}` };
  };
  const pods = proxies.map(
    ({ namespace, pod }): Pod => ({
      metadata: { namespace, name: pod },
      spec: { serviceAccountName: accountOf(pod), containers: [] },
      status: {},
    }),
  );
  const found = await withRefusals({ text } as unknown as KubeApi, pods, proxies);
  return { paths, refusals: found.map(({ refusal }) => (refusal?.ok ? refusal.value : refusal?.reason)) };
}

describe("whose log is read", () => {
  it("that of a proxy without a certificate, without roots or without a stream, and of no other", async () => {
    const proxies = [
      proxy("fine", {}),
      proxy("waits", { chain: [] }),
      proxy("rootless", { roots: [] }),
      proxy("cut", { tbot: { connections: 1, streams: 0 } }),
      proxy("silent", undefined),
    ];
    const { paths, refusals } = await read(proxies);
    expect(refusals).toEqual([undefined, "refused waits", "refused rootless", "refused cut", undefined]);
    expect(paths[0]).toBe("/api/v1/namespaces/a/pods/waits/log?container=istio-proxy&sinceSeconds=120&tailLines=2000");
  });

  it("one of each service account in a namespace", async () => {
    const waiting = { chain: [] };
    const proxies = [proxy("p", waiting), proxy("q", waiting), proxy("r", waiting, "b")];
    expect((await read(proxies, () => "same")).refusals).toEqual(["refused p", undefined, "refused r"]);
  });

  it("ten at most", async () => {
    const proxies = Array.from({ length: 12 }, (_, index) => proxy(`p${index}`, { chain: [] }));
    expect((await read(proxies)).paths).toHaveLength(10);
  });

  it("and why it could not be", async () => {
    const api = { text: async () => ({ ok: false, reason: "permission missing: no" }) } as unknown as KubeApi;
    const [found] = await withRefusals(api, [], [proxy("waits", { chain: [] })]);
    expect(found?.refusal).toEqual({ ok: false, reason: "permission missing: no" });
  });
});
