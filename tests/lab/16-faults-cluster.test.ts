import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { containerPids } from "./testkit/cluster/containers.ts";
import { allowManySidecars, createIdlePods } from "./testkit/cluster/idle-pods.ts";
import { allowKubeletPort, refuseKubeletPort } from "./testkit/cluster/kubelet-port.ts";
import { createNamespace, deleteNamespace } from "./testkit/cluster/namespaces.ts";
import { startNodeDaemon, stopNodeDaemon } from "./testkit/cluster/node-daemons.ts";
import { powerOff, powerOn } from "./testkit/cluster/node-power.ts";
import { address, isReady, livePods, onePod } from "./testkit/cluster/pods.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { type Fault, FaultBench, type Life, type Meanwhile } from "./testkit/faults/fault.ts";
import { auditEvents } from "./testkit/identity/audit-events.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { USER_DIR } from "./testkit/installation/installation.ts";
import { tbotRolledOut, upgrade, upgradeIstiod } from "./testkit/installation/releases.ts";

/** Faults of the cluster that the mesh runs on, and of its upgrades. docs/operate/faults.md has a section for each. */

const LIFE: Life = { ttl: 75, renewal: 15 };

/** A meshed namespace for the pods that start during a fault. */
const NAMESPACE = "faults";
const MANY = 50;
/** Any port will do: a sidecar answers on each with its certificate. */
const PORT = 8080;

/**
 * A kubelet remembers for two minutes whose a token is; with this it asks the API server each time, as it does for every
 * caller once an outage is that long. It lasts for the first fault, behind which the kubelet is started with its own flags.
 */
const FORGETFUL = "--authentication-token-webhook-cache-ttl=1s";

/** Whether all idle pods are Ready; then each must present a certificate of Teleport's for its own ServiceAccount. */
async function idlePodsHaveIdentities(count: number): Promise<boolean> {
  const pods = await livePods(NAMESPACE);
  if (pods.length !== count || !pods.every(isReady)) return false;
  const issuers = await Issuers.read();
  for (const pod of pods) {
    const presented = await issuers.presented(address(pod), PORT);
    expect(presented).toMatchObject({ issuer: "teleport", valid: true });
    expect(presented?.spiffeId).toMatch(new RegExp(`/ns/${NAMESPACE}/sa/default$`));
  }
  return true;
}

/** Whether the one idle pod waits: its sidecar has been refused a certificate. */
async function idlePodWaits(): Promise<boolean> {
  const [pod] = await livePods(NAMESPACE);
  // The Deployment's controller has yet to make it.
  if (pod === undefined) return false;
  expect(isReady(pod)).toBe(false);
  const log = await tryShell(`kubectl -n ${NAMESPACE} logs ${pod.metadata.name} -c istio-proxy`);
  return log.stdout.includes("no matching rule found");
}

/** No request has failed for `seconds`, which is more than the time that a request may take. */
async function quietFor(seconds: number, { failed }: Meanwhile): Promise<boolean> {
  return secondsSince(failed().at(-1)?.at ?? new Date(0)) > seconds;
}

const secondsSince = (from: Date) => (Date.now() - from.getTime()) / 1000;

async function tbotPid(): Promise<number> {
  const { metadata } = await onePod("teleport-system", "app.kubernetes.io/name=tbot");
  const [pid] = await containerPids("teleport-system", metadata.name, "tbot");
  if (pid === undefined) throw new Error("tbot has no process");
  return pid;
}

const FAULTS: readonly Fault[] = [
  {
    name: "the API server is down and tbot is killed",
    break: async () => {
      const pid = await tbotPid();
      await stopNodeDaemon("kube-apiserver");
      process.kill(pid, "SIGKILL");
    },
    while: async ({ brokenAt }) => {
      const joined = auditEvents(brokenAt).some(({ event, success }) => event === "bot.join" && success);
      return joined && secondsSince(brokenAt) > LIFE.renewal;
    },
    repair: () => startNodeDaemon("kube-apiserver"),
    // Certificates end soon after, and a pause of Envoy's comes on top.
    longest: 35,
  },
  {
    name: "the API server is down",
    break: () => stopNodeDaemon("kube-apiserver"),
    // Every certificate is one of the outage, and the next one is due, too.
    while: async ({ wire, brokenAt }) => wire.allIssuedSince(brokenAt) && secondsSince(brokenAt) > 1.5 * LIFE.renewal,
    repair: () => startNodeDaemon("kube-apiserver"),
  },
  {
    name: "kubelet and containerd are restarted",
    break: async () => {
      await stopNodeDaemon("kubelet");
      await stopNodeDaemon("containerd");
      await startNodeDaemon("containerd");
      await startNodeDaemon("kubelet");
    },
  },
  {
    name: "the node loses its power",
    break: powerOff,
    while: async ({ failed }) => failed().length > 0,
    repair: ({ withoutLoad }) =>
      withoutLoad(async () => {
        await powerOn();
        const restarted = async () => (await livePods("test-app")).every(isReady);
        await until("the kubelet knows that its pods are gone", 60, async () => !(await restarted()));
        await until("the pods are Ready again", 120, restarted);
      }),
  },
  {
    name: "the kubelet refuses tbot while a pod starts",
    break: async () => {
      await refuseKubeletPort();
      await createIdlePods(NAMESPACE, 1);
    },
    while: idlePodWaits,
    repair: allowKubeletPort,
    healed: () => idlePodsHaveIdentities(1),
  },
  {
    name: "istio-teleport is upgraded and rolled back",
    break: async () => {
      const lives = [`tbot.credentialTTL=${LIFE.ttl}s`, `tbot.renewalInterval=${LIFE.renewal - 1}s`];
      await upgrade(["monitoring.enabled=true", ...lives]);
      await tbotRolledOut();
    },
    repair: async () => {
      await shell("helm rollback istio-teleport -n teleport-system");
      await tbotRolledOut();
    },
  },
  {
    name: "istiod is upgraded",
    break: () => upgradeIstiod(["podAnnotations.upgraded=once"]),
    repair: () => upgradeIstiod(),
    healed: (now) => quietFor(3, now),
  },
  {
    name: "istiod is upgraded to another trust domain",
    break: () => upgradeIstiod(["meshConfig.trustDomain=cluster.local", "podAnnotations.upgraded=wrong"]),
    while: async ({ failed }) => failed().length > 0,
    repair: () => upgradeIstiod(),
    healed: (now) => quietFor(4, now),
  },
  {
    name: "50 pods start at once on a node",
    break: () => createIdlePods(NAMESPACE, MANY),
    healed: () => idlePodsHaveIdentities(MANY),
  },
];

let bench: FaultBench;
let forbidManySidecars: () => void;

beforeAll(async () => {
  forbidManySidecars = allowManySidecars();
  await startNodeDaemon("kubelet", (flags) => [...flags, FORGETFUL]);
  await createNamespace(NAMESPACE, { meshed: true });
  bench = await FaultBench.open("cluster", LIFE);
});

afterAll(async () => {
  await startNodeDaemon("kubelet");
  await Promise.all([bench?.close(), deleteNamespace(NAMESPACE)]);
  forbidManySidecars();
});

describe(`with certificates of ${LIFE.ttl} s, renewed every ${LIFE.renewal} s, under load`, () => {
  afterEach(async () => {
    // What a fault that was not as documented has left.
    for (const daemon of ["kube-apiserver", "containerd", "kubelet"]) await startNodeDaemon(daemon);
    await allowKubeletPort();
    await shell(`kubectl -n ${NAMESPACE} delete deployment idle --ignore-not-found`);
    await shell(`kubectl -n ${NAMESPACE} delete pods --all --grace-period=1 --wait=false`);
  });

  it.each(FAULTS)("$name: as docs/operate/faults.md says", { timeout: 600_000 }, async (fault) => {
    await bench.try(fault);
  });
});

describe("a change of the trust domain", () => {
  const tool = (line: string) => tryShell(`npx -p istio-teleport istio-teleport ${line}`, { cwd: USER_DIR });

  it("is refused by render where it would part istiod from Teleport, and by install on a mesh that runs", async () => {
    const apart = await tool("render istio -f values.yaml --set istio.trustDomain=cluster.local");
    expect(apart.code).not.toBe(0);
    expect(apart.stdout).toBe("");
    const moved = await tool("install -f values.yaml --set global.teleport.clusterName=other.example --dry-run");
    expect(moved.code).not.toBe(0);
    expect(moved.stderr).toMatch(/trust domain .* runs already/);
  });
});
