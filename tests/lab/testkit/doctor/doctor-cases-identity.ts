import { mkdirSync, renameSync, rmSync } from "node:fs";
import { startNodeDaemon, stopNodeDaemon } from "../cluster/node-daemons.ts";
import { shell, until } from "../cluster/shell.ts";
import { createTeleportResources } from "../installation/releases.ts";
import { doctor } from "./doctor.ts";
import {
  type Curable,
  editConfigMap,
  end,
  RESTART_TBOT,
  restoreConfigMap,
  type Situation,
  start,
} from "./doctor-case.ts";

const WORKLOAD_IDENTITY = "workload_identity/istio-workloads";
/** The directory of tbot's socket, which running pods hold on to wherever it is moved. */
const SOCKETS = "/run/spire/sockets";
const HELD_SOCKETS = "/run/spire/held-by-running-pods";

const SHORT_LIFE = 70;
const SHORT_INTERVAL = 12;

/** Gives tbot lives in tbot.yaml, which it reads at its start. */
async function tbotWith(life: string, interval: string): Promise<void> {
  const script = `s/credential_ttl: [0-9]+[smh]/credential_ttl: ${life}/; s/renewal_interval: [0-9]+[smh]/renewal_interval: ${interval}/`;
  await shell(`${editConfigMap("teleport-system", "tbot", script)} && ${RESTART_TBOT}`);
}

async function everyCertificateIsShort(): Promise<boolean> {
  const { proxies } = await doctor("");
  return proxies.every(({ expiresAt }) => Date.parse(expiresAt) < Date.now() + SHORT_LIFE * 1000);
}

/** Running pods keep the socket directory that they mounted; tbot listens in another one of the same name. */
async function replaceSocketDirectory(): Promise<void> {
  renameSync(SOCKETS, HELD_SOCKETS);
  mkdirSync(SOCKETS, { mode: 0o755 });
  await tbotWith("1h", `${SHORT_INTERVAL}s`);
}

async function giveSocketDirectoryBack(): Promise<void> {
  rmSync(SOCKETS, { recursive: true });
  renameSync(HELD_SOCKETS, SOCKETS);
}

/** What the mesh's configuration and tbot's say of identities. */
export const CONFIGURATION_CASES: readonly Curable[] = [
  {
    id: "trust-domain",
    how: "Istio's default trust domain in the mesh configuration",
    break: editConfigMap("istio-system", "istio", "s/trustDomain: [a-z.]+/trustDomain: cluster.local/"),
    heal: restoreConfigMap("istio-system", "istio"),
    evidence: "its trust domain is cluster.local",
  },
  {
    id: "outage-budget",
    how: "an interval of more than a third of the life in tbot.yaml",
    break: editConfigMap("teleport-system", "tbot", "s/credential_ttl: 1h/credential_ttl: 25m/"),
    heal: restoreConfigMap("teleport-system", "tbot"),
    evidence: "3 breaks of tbot's connection to Teleport in a row let them expire",
  },
];

export const PROXY_START: Curable = {
  id: "proxy-start",
  how: "a pod that gives its proxy another socket's name",
  break: start("stuck", { "proxy.istio.io/config": "proxyMetadata:\n  WORKLOAD_IDENTITY_SOCKET_FILE: other\n" }),
  heal: end("stuck"),
  // Between two attempts it is in another state for a moment.
  evidence:
    /does not run \(CrashLoopBackOff\); it said last: .*no socket found.*; its annotation proxy.istio.io\/config/,
};

/** What Teleport issues to a pod that starts. */
export const ISSUANCE_SITUATION: Situation = {
  phases: [
    [
      {
        id: "proxy-certificate",
        how: "a pod that starts while Teleport has no workload identity",
        break: `tctl rm ${WORKLOAD_IDENTITY} && ${start("late")}`,
        // Envoy logs the refusal a moment after it has asked.
        evidence: /Envoy waits for its certificate .*; Envoy's log: .*doesn't exist/,
        also: ["teleport-resources"],
      },
    ],
    [
      {
        id: "proxy-identity",
        how: "a pod that starts while the workload identity's template names another service account",
        break: async () => {
          await createTeleportResources([]);
          const script = "s|/sa/.*|/sa/somebody-else|; /^ *}}$/d";
          await shell(`tctl get ${WORKLOAD_IDENTITY} | sed -E '${script}' | tctl create -f`);
          await shell(`${end("late")} && ${start("late")}`);
        },
        evidence: /it is spiffe:.*somebody-else, and Istio expects .*\/sa\/default/,
        also: ["teleport-resources"],
      },
    ],
  ],
  heal: [
    () => createTeleportResources([]),
    // Proxies that came back to tbot meanwhile have another's identity, until they ask again.
    `${end("late")} && ${RESTART_TBOT}`,
  ],
};

/** How old certificates are, and who signed them. Teleport stops at the end, since what runs out then needs it no longer. */
export const RENEWAL_SITUATION: Situation = {
  phases: [
    [
      {
        id: "trust-roots",
        how: "Teleport's SPIFFE CA is replaced without overlap, and a pod starts, while tbot does not reach the others",
        break: async () => {
          await tbotWith(`${SHORT_LIFE}s`, `${SHORT_INTERVAL}s`);
          await until("all proxies have certificates of a short life", 60, everyCertificateIsShort);
          await replaceSocketDirectory();
          await shell(`tctl auth rotate --type=spiffe --grace-period=0 && ${start("late")}`);
        },
        evidence: /do not trust it \(.*and 1 pod presents a certificate of it/,
        perhaps: ["proxy-stream", "certificate-rotation"],
      },
    ],
    [
      {
        id: "proxy-stream",
        how: "the socket directory was removed and made again, 35 s ago",
        break: end("late"),
        evidence: "it holds a socket directory that was removed",
        perhaps: ["certificate-rotation"],
      },
    ],
    [
      {
        id: "certificate-rotation",
        how: "the same, for one and a half renewal intervals and 30 s",
        break: "true",
        also: ["proxy-stream"],
        evidence: new RegExp(`it was issued \\d+ s ago, tbot replaces each after ${SHORT_INTERVAL} s`),
      },
    ],
    [
      {
        id: "tbot-health",
        how: "Teleport is stopped",
        break: () => stopNodeDaemon("teleport"),
        // First its watch is closed; 10 s later its next try fails.
        evidence: /its service spiffe-trust-bundle-cache is unhealthy: .*connection refused/,
        beside: [/its service \S+ is unhealthy/],
        // tctl does not get an answer, either.
        also: ["teleport-resources", "join-token", "token-keys"],
        // Its pod is not ready either, once its probe has failed three times; nobody misses its streams then.
        perhaps: ["tbot-nodes", "proxy-stream", "certificate-rotation"],
      },
      {
        id: "certificate-life",
        how: "the same, for longer than the certificates live",
        break: "true",
        evidence: /it expired \d+ s ago/,
        within: 2 * SHORT_LIFE,
      },
    ],
  ],
  heal: [() => startNodeDaemon("teleport"), end("late"), giveSocketDirectoryBack, () => tbotWith("1h", "10m")],
};
