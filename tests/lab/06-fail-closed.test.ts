import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { isReady, onePod } from "./testkit/cluster/pods.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import {
  createPod,
  isOwn,
  letTbotRun,
  measure,
  newPod,
  presentedBy,
  SOCKET_DIR,
  selectNodes,
  stopTbot,
  tbotIsWell,
  watchForIstiod,
} from "./testkit/faults/fail-closed-cases.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { REPOSITORY, requireInstalled } from "./testkit/installation/installation.ts";
import { applyLayers, type Layers } from "./testkit/installation/layers.ts";
import { markdownTable } from "./testkit/reports/markdown-table.ts";
import { SOAK } from "./testkit/run/soak.ts";

const DOC = join(REPOSITORY, "docs", "explain", "security.md");

const ALL: Layers = { pod: true, istiod: true, admission: true };
const COLUMNS: Record<string, Layers> = {
  none: { pod: false, istiod: false, admission: false },
  "a: pod": { pod: true, istiod: false, admission: false },
  "b: istiod": { pod: false, istiod: true, admission: false },
  "c: admission": { pod: false, istiod: false, admission: true },
  all: ALL,
};
/** One layer alone, for which CI has no time. */
const SINGLE = Object.keys(COLUMNS).filter((column) => column !== "none" && column !== "all");

let issuers: Issuers;

beforeAll(async () => {
  await requireInstalled();
  issuers = await Issuers.read();
  await deleteNamespace("probe");
  await createNamespace("probe", { meshed: true });
});

afterAll(async () => {
  // First what was patched by hand, with which Helm's change would conflict; then the socket file has its default name.
  await letTbotRun();
  await applyLayers(ALL);
  await tbotIsWell();
  await deleteNamespace("probe");
});

describe("layer × case, as docs/explain/security.md has it", () => {
  const documented = markdownTable(DOC, "What each layer stops");

  it.each(Object.entries(COLUMNS).filter(([column]) => SOAK || !SINGLE.includes(column)))(
    "%s",
    async (column, layers) => {
      // Those of the former column may hold a certificate of istiod's, which is not this column's.
      await shell("kubectl -n probe delete pods --all");
      const stopWatching = watchForIstiod(issuers);
      const results = await measure(layers, { issuers, restricted: false, sets: [] }).catch(async (error) => {
        await stopWatching();
        throw error;
      });
      const offenders = await stopWatching();
      for (const [row, result] of Object.entries(results)) process.stderr.write(`${column} | ${row} | ${result}\n`);
      const expected = Object.fromEntries(
        Object.entries(documented).map(([row, cells]) => [row, cells[column]?.replaceAll("*", "")]),
      );
      expect(results).toEqual(expected);
      if (column !== "all") return;

      expect(offenders).toEqual([]);
      const start = Date.now();
      await tbotIsWell();
      const waiting = ["running", "restarted", "stale", "writable"];
      await until("all pods are Ready with their own SVID of Teleport's", 240, async () => {
        const states = await Promise.all(
          waiting.map(async (name) => {
            const ready = isReady(await onePod("probe", `app=${name}`));
            return ready && isOwn(name, await presentedBy(issuers, name));
          }),
        );
        return states.every(Boolean);
      });
      process.stderr.write(
        `healed without a hand ${Math.round((Date.now() - start) / 1000)} s after tbot was let back\n`,
      );
    },
    900_000,
  );
});

describe("a non-default tbot.socket.file, all layers on", () => {
  it("serves, and the agent exits rather than waits while tbot is absent", async () => {
    await shell("kubectl -n probe delete pods --all");
    await tbotIsWell();
    await applyLayers(ALL, { socketFile: "workload.sock" });
    await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
    await createPod("served");
    await until("a pod is served through the other socket", 60, async () =>
      isReady(await onePod("probe", "app=served")),
    );
    expect(isOwn("served", await presentedBy(issuers, "served"))).toBe(true);
    await stopTbot();
    expect(await newPod(issuers, "unserved")).toBe("waits");
    // Between two attempts the kubelet may have removed the last container's log already, and the next has none yet.
    const logs = "kubectl -n probe logs unserved -c istio-proxy";
    const reason = "agent configured for non-default SDS socket path";
    await until(`the agent says "${reason}"`, 120, async () =>
      (await tryShell(`${logs}; ${logs} --previous`)).stdout.includes(reason),
    );
    expect(readdirSync(SOCKET_DIR)).toEqual([]);
    await selectNodes("any");
    await until("the waiting pod heals", 180, async () => isReady(await onePod("probe", "app=unserved")));
  }, 600_000);
});
