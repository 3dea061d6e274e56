import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { address, isReady, onePod, untilReady } from "./testkit/cluster/pods.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { complaints, complaintsOf, doctor } from "./testkit/doctor/doctor.ts";
import {
  addEphemeralContainer,
  createPod,
  letTbotRun,
  measure,
  presentedBy,
  SOCKET_DIR,
  tbotIsWell,
  watchForIstiod,
} from "./testkit/faults/fail-closed-cases.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { addRepositories, type ChartRepositories, serveRepositories } from "./testkit/installation/chart-repository.ts";
import {
  CSI_LAB_VALUES,
  REPOSITORY,
  requireInstalled,
  runStep,
  USER_DIR,
} from "./testkit/installation/installation.ts";
import { installCni, removeCni } from "./testkit/installation/istio-cni.ts";
import { applyLayers } from "./testkit/installation/layers.ts";
import { createTeleportResources, tbotRolledOut, upgrade } from "./testkit/installation/releases.ts";
import { markdownTable } from "./testkit/reports/markdown-table.ts";
import { exposeFailures, type LoadResult, restoreTraffic, startLoad } from "./testkit/traffic/load.ts";

/** Lifetimes at which a certificate is replaced several times while the test looks. */
const SHORT_LIFE = ["tbot.credentialTTL=60s", "tbot.renewalInterval=15s"];
const PORT = 8080;
const RATE = 60;
const CSI = ["tbot.socket.mode=csi", "istio.cni=true"];
const ALL = { pod: true, istiod: true, admission: true };

const VALUES = join(USER_DIR, "values.yaml");

let repositories: ChartRepositories;
let ownValues: string;

beforeAll(async () => {
  await requireInstalled();
  repositories = await serveRepositories();
  await addRepositories(repositories);
  ownValues = readFileSync(VALUES, "utf8");
  const values = parse(ownValues) as { tbot: object };
  writeFileSync(VALUES, stringify({ ...values, tbot: { ...values.tbot, csi: CSI_LAB_VALUES } }));
  await exposeFailures();
});

afterAll(async () => {
  await restoreTraffic();
  await letTbotRun();
  // At restricted, where the hostPath would be refused.
  await deleteNamespace("probe");
  await createNamespace("probe", { meshed: true });
  // The kubelet unmounts with the driver: pods that have its volume go first.
  await applyLayers(ALL, { sets: ["tbot.socket.transition=true"] });
  await shell("kubectl label namespace test-app pod-security.kubernetes.io/enforce=privileged --overwrite");
  await restartTestApp();
  await shell("kubectl -n probe delete pods --all --grace-period=1");
  await removeCni();
  writeFileSync(VALUES, ownValues);
  await applyLayers(ALL);
  await deleteNamespace("probe");
  await repositories.close();
});

/** A step of the page, as it is written. */
async function run(block: string): Promise<void> {
  await runStep(`export NAMESPACE=test-app\n${block}`, repositories);
}

async function restartTestApp(): Promise<void> {
  await shell(
    "kubectl -n test-app rollout restart deployment && kubectl -n test-app rollout status deployment --timeout=180s",
  );
}

function statusCode(client: string): Promise<string> {
  return shell(
    `kubectl -n test-app exec deploy/${client} -c ${client} -- curl -s -o /dev/null -w '%{http_code}' http://server/headers`,
  );
}

/** Lets the server end only when its callers know; of itself each restart of a single pod loses requests. */
async function endGracefully(isOn: boolean): Promise<void> {
  const lifecycle = isOn ? { preStop: { sleep: { seconds: 5 } } } : null;
  const patch = { spec: { template: { spec: { containers: [{ name: "server", lifecycle }] } } } };
  await shell(`kubectl -n test-app patch deployment server -p '${JSON.stringify(patch)}'`);
  await shell("kubectl -n test-app rollout status deployment/server --timeout=180s");
}

/** The volume from which a pod's proxy takes the socket. */
async function socketVolume(name: string): Promise<string> {
  // Not one that is on its way out.
  const { metadata } = await untilReady("test-app", `app.kubernetes.io/name=${name}`, 60);
  const volume = await shell(
    `kubectl -n test-app get pod ${metadata.name} -o jsonpath='{.spec.volumes[?(@.name=="workload-socket")]}'`,
  );
  return Object.keys(JSON.parse(volume) as object)
    .filter((key) => key !== "name")
    .join();
}

describe("the move of a running mesh from hostPath to the CSI driver, as docs/operate/csi.md has it", () => {
  let result: LoadResult;

  it("loses no request of a client whose server is restarted", async () => {
    await endGracefully(true);
    // The client stays: its load is what counts. The server moves, and its calls pass between pods of both kinds.
    const load = await startLoad(RATE);
    try {
      await installCni(repositories);
      await run(shellBlock("docs/operate/csi.md#driver"));
      expect(await socketVolume("server")).toBe("hostPath");
      await run(shellBlock("docs/operate/csi.md#istiod"));
      await shell("kubectl -n test-app rollout restart deployment/server");
      await shell("kubectl -n test-app rollout status deployment/server --timeout=180s");
      expect(await socketVolume("server")).toBe("csi");
      expect(await socketVolume("allowed-client")).toBe("hostPath");
    } finally {
      result = await load.stop();
      await endGracefully(false);
    }
    process.stderr.write(`the move: ${result.failed.length} of ${result.requests} requests failed\n`);
    expect(result.requests).toBeGreaterThan(0);
    expect(result.failed).toEqual([]);
  });

  it("ends with the namespace at the level restricted, and every pod from the driver", async () => {
    await restartTestApp();
    await run(shellBlock("docs/operate/csi.md#end"));
    const level = "{.metadata.labels.pod-security\\.kubernetes\\.io/enforce}";
    expect(await shell(`kubectl get namespace test-app -o jsonpath='${level}'`)).toBe("restricted");
    // New pods at that level, and no pod left with a hostPath.
    await restartTestApp();
    for (const name of ["server", "allowed-client", "other-client"]) expect(await socketVolume(name)).toBe("csi");
  });

  it("doctor finds nothing, and looked at the driver", { timeout: 240_000 }, async () => {
    // It reads tbot's log of two minutes: a process that ended while it was looked up stays in it for as long.
    const report = await until("doctor is content", 180, async () => {
      const now = await doctor("-f csi-values.yaml");
      if (complaints(now).length > 0) throw new Error(complaintsOf(now).join("; "));
      return now;
    });
    expect(report.checks.find(({ id }) => id === "csi-driver")?.status).toBe("ok");
  });
});

describe("in CSI mode, with the namespace at restricted", () => {
  it("the allowed client gets 200, the other 403", async () => {
    await until("the allowed client is let in", 60, async () => (await statusCode("allowed-client")) === "200");
    expect(await statusCode("other-client")).toBe("403");
  });

  it("certificates are replaced over the open stream, and no request fails", async () => {
    const sets = [...CSI, ...SHORT_LIFE];
    await createTeleportResources(sets);
    await upgrade(sets);
    await tbotRolledOut();
    const issuers = await Issuers.read();
    const server = address(await onePod("test-app", "app.kubernetes.io/name=server"));
    const serials = new Set<string>();
    const shortLived = async () => {
      const presented = await issuers.presented(server, PORT);
      if (presented === undefined || presented.notAfter.getTime() - Date.now() > 60_000) return false;
      serials.add(presented.serial);
      return true;
    };
    await until("the server has a certificate of the short life", 90, shortLived);
    const load = await startLoad(RATE);
    let result: LoadResult;
    try {
      await until("three more serial numbers were seen", 120, async () => (await shortLived()) && serials.size > 3);
    } finally {
      result = await load.stop();
    }
    process.stderr.write(
      `rotation: ${serials.size} serial numbers, ${result.failed.length} of ${result.requests} failed\n`,
    );
    expect(result.failed).toEqual([]);
    await createTeleportResources(CSI);
    await upgrade(CSI);
    await tbotRolledOut();
  }, 400_000);

  it("the server presents Teleport's certificate for its own service account", async () => {
    const issuers = await Issuers.read();
    const server = address(await onePod("test-app", "app.kubernetes.io/name=server"));
    expect(await issuers.presented(server, PORT)).toMatchObject({
      issuer: "teleport",
      valid: true,
      spiffeId: `spiffe://${TELEPORT_CLUSTER_NAME}/ns/test-app/sa/server`,
    });
  });

  it("each case of docs/explain/security.md ends as its column says", async () => {
    const issuers = await Issuers.read();
    await deleteNamespace("probe");
    await createNamespace("probe", { meshed: true });
    await shell("kubectl label namespace probe pod-security.kubernetes.io/enforce=restricted");
    const stopWatching = watchForIstiod(issuers);
    const results = await measure(ALL, { issuers, restricted: true, sets: CSI }).finally(stopWatching);
    for (const [row, result] of Object.entries(results)) process.stderr.write(`csi | ${row} | ${result}\n`);
    const documented = markdownTable(join(REPOSITORY, "docs", "explain", "security.md"), "What each layer stops");
    const column = Object.entries(documented).map(([row, cells]) => [row, cells["all, CSI"]]);
    expect(results).toEqual(Object.fromEntries(column));
    expect(await stopWatching()).toEqual([]);
    await tbotIsWell();
  }, 900_000);

  it.each([
    [
      "a privileged pod",
      { security: { privileged: true, allowPrivilegeEscalation: true } },
      /violates PodSecurity .*privileged/,
    ],
    [
      "a pod that mounts the node's root",
      { volume: { hostPath: { path: "/" } } },
      /violates PodSecurity .*restricted volume types/,
    ],
    [
      "a container that mounts the driver's volume writable",
      { volume: { csi: { driver: "csi.spiffe.io", readOnly: true } } },
      /mounts a volume of the CSI driver csi\.spiffe\.io, or .* writable or with a subPath/,
    ],
  ])("%s is refused", async (_what, options, reason) => {
    expect((await createPod("attack", options)).refused).toMatch(reason);
  });

  it("a volume that is not read-only never comes into being: the driver refuses it", async () => {
    expect(
      await createPod("writable-volume", {
        volume: { csi: { driver: "csi.spiffe.io" } },
        annotations: { "sidecar.istio.io/inject": "false" },
      }),
    ).toEqual({});
    await until("the kubelet says why", 60, async () => {
      const events = await shell(
        "kubectl -n probe get events --field-selector involvedObject.name=writable-volume,reason=FailedMount -o jsonpath='{.items[*].message}'",
      );
      return events.includes("pod.spec.volumes[].csi.readOnly must be set to 'true'");
    });
    await shell("kubectl -n probe delete pod writable-volume --grace-period=1");
  });

  it("without the admission policy the kubelet still mounts the volume read-only, for ephemeral containers too", async () => {
    await applyLayers({ ...ALL, admission: false }, { sets: CSI });
    await createPod("debugged-again");
    await untilReady("probe", "app=debugged-again", 90);
    const attempt = await addEphemeralContainer("debugged-again", "touch /mounted/written; sleep infinity", true);
    expect(attempt.code, attempt.stderr).toBe(0);
    const said = await until("the ephemeral container has tried", 60, async () => {
      const { stdout } = await tryShell("kubectl -n probe logs debugged-again -c debug");
      return stdout === "" ? undefined : stdout;
    });
    expect(said).toContain("Read-only file system");
    expect((await shell(`ls ${SOCKET_DIR}`)).trim()).toBe("socket");
    await applyLayers(ALL, { sets: CSI });
  });

  it("while the driver is down running pods go on, new ones wait and heal by themselves", async () => {
    await createPod("before");
    await untilReady("probe", "app=before", 90);
    const patch = (to: string | null) =>
      shell(
        `kubectl -n teleport-system patch daemonset tbot-csi --type merge -p '${JSON.stringify({ spec: { template: { spec: { nodeSelector: { lab: to } } } } })}'`,
      );
    await patch("nowhere");
    await until(
      "the driver is gone",
      60,
      async () =>
        (await shell("kubectl -n teleport-system get pods -l app.kubernetes.io/name=tbot-csi -o name")) === "",
    );
    await createPod("during");
    await until("the kubelet says what is missing", 60, async () => {
      const events = await shell(
        "kubectl -n probe get events --field-selector involvedObject.name=during,reason=FailedMount -o jsonpath='{.items[*].message}'",
      );
      return events.includes("driver name csi.spiffe.io not found in the list of registered CSI drivers");
    });
    const issuers = await Issuers.read();
    expect(await presentedBy(issuers, "before")).toMatchObject({ issuer: "teleport", valid: true });
    await patch(null);
    await until("the waiting pod heals", 240, async () => isReady(await onePod("probe", "app=during")));
    expect(await presentedBy(issuers, "during")).toMatchObject({ issuer: "teleport", valid: true });
  }, 400_000);
});
