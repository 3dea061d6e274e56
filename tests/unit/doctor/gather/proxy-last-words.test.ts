import { describe, expect, it } from "vitest";
import type { Pod } from "../../../../tools/doctor/facts/objects.ts";
import { agentLastWords, withLastWords } from "../../../../tools/doctor/gather/proxy-last-words.ts";
import type { MeshProxy } from "../../../../tools/doctor/snapshot.ts";
import type { KubeApi } from "../../../../tools/programs/kube-api/kube-api.ts";

describe("the last words of Istio's agent", () => {
  it.each([
    [
      "its command line's",
      "2026-11-28T10:00:00.0Z\tinfo\tx\nError: agent configured for non-default SDS socket path\n",
      "agent configured for non-default SDS socket path",
    ],
    [
      "an error before what it says at its end",
      "2026-11-28T10:00:00.0Z\terror\tfailed to remove unix://x\n2026-11-28T10:00:01.0Z\tinfo\tbye\n",
      "failed to remove unix://x",
    ],
    ["its last line, without an error", "2026-11-28T10:00:01.0Z\tinfo\tbye\n\n", "bye"],
    ["nothing", "\n", ""],
  ])("are %s", (_, log, words) => {
    expect(agentLastWords(log)).toBe(words);
  });
});

type Status = NonNullable<Pod["status"]["containerStatuses"]>[number];

const ENDED = { terminated: { reason: "Error", exitCode: 1 } };

/** Reads the proxies of such pods, none of which answers; gives the paths that were asked. */
async function asked(statuses: readonly (Omit<Status, "name"> & Partial<Status>)[], ok = false): Promise<string[]> {
  const pods = statuses.map((status, index): Pod => {
    const initContainerStatuses = [{ name: "istio-proxy", ...status }];
    return {
      metadata: { namespace: "a", name: `pod-${index}` },
      spec: { containers: [] },
      status: { phase: "Pending", initContainerStatuses },
    };
  });
  const secrets = ok
    ? { ok: true as const, value: { chain: [], roots: [], serialsInUse: [] } }
    : { ok: false as const, reason: "connection refused" };
  const proxies = pods.map(({ metadata }): MeshProxy => ({ namespace: "a", pod: metadata.name, secrets }));
  const paths: string[] = [];
  const api = {
    text: async (path: string) => {
      paths.push(path);
      return { ok: true, value: "Error: x" };
    },
  };
  const read = await withLastWords(api as unknown as KubeApi, pods, proxies);
  expect(read.filter(({ lastWords }) => lastWords !== undefined)).toHaveLength(paths.length);
  return paths;
}

const LOG = "/api/v1/namespaces/a/pods/pod-0/log?container=istio-proxy&tailLines=50&previous=";

it.each([
  ["while it waits", { ready: false, state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: ENDED }, "false"],
  ["right after its end", { ready: false, state: ENDED }, "false"],
  ["while it runs again", { ready: false, state: { running: {} }, lastState: ENDED }, "true"],
])("are read %s", async (_, status, previous) => {
  expect(await asked([status])).toEqual([LOG + previous]);
});

it.each([
  ["it answers", { ready: false, state: { running: {} }, lastState: ENDED }, true],
  ["it is ready again", { ready: true, state: { running: {} }, lastState: ENDED }, false],
  ["it only starts", { ready: false, state: { waiting: { reason: "PodInitializing" } } }, false],
  ["no container has run", { ready: false, state: { waiting: { reason: "ImagePullBackOff" } } }, false],
])("are not read where %s", async (_, status, ok) => {
  expect(await asked([status], ok)).toEqual([]);
});

it.each(["istio-init", "istio-validation"])("are those of %s, where it ends before the proxy", async (name) => {
  const status = { name, ready: false, state: { waiting: { reason: "CrashLoopBackOff" } }, lastState: ENDED };
  expect(await asked([status])).toEqual([`${LOG.replace("istio-proxy", name)}false`]);
});

it("are read of ten at most", async () => {
  expect(await asked(Array(12).fill({ ready: false, state: ENDED }))).toHaveLength(10);
});
