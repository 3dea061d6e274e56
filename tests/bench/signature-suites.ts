import { setTimeout as sleep } from "node:timers/promises";
import { alignColumns } from "../../tools/terminal/columns.ts";
import { allowManySidecars, createIdlePods, scaleIdlePods } from "../lab/testkit/cluster/idle-pods.ts";
import { createNamespace, deleteNamespace } from "../lab/testkit/cluster/namespaces.ts";
import { address, livePods, onePod } from "../lab/testkit/cluster/pods.ts";
import { shell, until } from "../lab/testkit/cluster/shell.ts";
import { auditEvents } from "../lab/testkit/identity/audit-events.ts";
import { certificateOnTheWire } from "../lab/testkit/identity/wire.ts";
import { requireInstalled } from "../lab/testkit/installation/installation.ts";
import { createTeleportResources, tbotRolledOut, upgrade } from "../lab/testkit/installation/releases.ts";
import { cpuSeconds, memoryMebibytes, tbotPid } from "./support/processes.ts";

/**
 * What tbot costs under each of Teleport's signature suites: 50 pods that start at once, 100 sidecars that all come back to
 * a restarted tbot, and their renewals. `npm run lab -- test --fresh 01-`, then `npm run bench:keys`.
 *
 * Under the legacy suite tbot makes an RSA 2048 key for each SVID, under the others a P-256 key
 * (Teleport lib/cryptosuites/suites.go). tbot is the lab's double: what makes keys, reads the kubelet's pod list and holds
 * streams is alike in kind, but the real one is a larger program, so its memory starts higher.
 */

const SUITES = ["balanced-v1", "legacy"] as const;
const NAMESPACE = "crowd";
const POD_START = 50;
const SIDECARS = 100;
/** Each sidecar asks for `default` and for the SVID that comes with the trust bundle. */
const SVIDS_PER_SIDECAR = 2;
/** The test app's server and its two clients. */
const OTHER_SIDECARS = 3;
/** Long enough that renewals don't overlap, short enough to see some. */
const RENEWAL_SECONDS = 60;
const RENEWALS = 2;
const PORT = 8080;
interface Usage {
  /** Of the process, since its start. */
  readonly cpuSeconds: number;
  readonly peakMebibytes: number;
}

async function tbotUsage(): Promise<Usage> {
  const pid = await tbotPid();
  return { cpuSeconds: cpuSeconds(pid), peakMebibytes: memoryMebibytes(pid).peak };
}

const issuedSince = (from: Date) => auditEvents(from).filter(({ event }) => event === "spiffe.svid.issued");

/** A tbot without a past. */
async function restartTbot(): Promise<void> {
  const old = await onePod("teleport-system", "app.kubernetes.io/name=tbot");
  await shell(`kubectl -n teleport-system delete pod ${old.metadata.name} --grace-period=5`);
  await tbotRolledOut();
}

/** The kind of key in a sidecar's certificate, from its own TLS handshake. */
async function keyOnTheWire(): Promise<string> {
  const [pod] = await livePods(NAMESPACE);
  if (pod === undefined) throw new Error("no idle pod");
  const certificate = await certificateOnTheWire(address(pod), PORT);
  if (certificate === undefined) throw new Error("the sidecar presents no certificate");
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  return `${asymmetricKeyType} ${asymmetricKeyDetails?.modulusLength ?? asymmetricKeyDetails?.namedCurve}`;
}

async function useSuite(suite: string): Promise<void> {
  const preference = {
    kind: "cluster_auth_preference",
    version: "v2",
    metadata: { name: "cluster-auth-preference" },
    spec: { signature_algorithm_suite: suite },
  };
  await shell("tctl create -f", { input: JSON.stringify(preference) });
}

const seconds = (from: number, to = Date.now()) => `${((to - from) / 1000).toFixed(0)} s`;
const cpu = (from: Usage, to: Usage) => `${(to.cpuSeconds - from.cpuSeconds).toFixed(2)} s`;
const memory = ({ peakMebibytes }: Usage) => `${peakMebibytes.toFixed(0)} MiB`;
const NOTHING: Usage = { cpuSeconds: 0, peakMebibytes: 0 };

/** One suite's column of the table. */
async function measure(suite: string): Promise<Record<string, string>> {
  await useSuite(suite);
  await restartTbot();
  await createIdlePods(NAMESPACE, 0);

  const before = await tbotUsage();
  const started = Date.now();
  await scaleIdlePods(NAMESPACE, POD_START);
  const ready = Date.now();
  const after = await tbotUsage();
  const kind = await keyOnTheWire();
  await scaleIdlePods(NAMESPACE, SIDECARS);

  const stormFrom = new Date();
  await restartTbot();
  const all = (SIDECARS + OTHER_SIDECARS) * SVIDS_PER_SIDECAR;
  await until("every sidecar has a new SVID", 300, async () => issuedSince(stormFrom).length >= all);
  const storm = await tbotUsage();
  const issued = issuedSince(stormFrom).map(({ time }) => Date.parse(time));

  const renewalFrom = new Date();
  await until("renewals", (RENEWALS + 2) * RENEWAL_SECONDS, async () => {
    return issuedSince(renewalFrom).length >= RENEWALS * all;
  });
  // The last ones are written down before tbot has sent them.
  await sleep(2000);
  const renewed = await tbotUsage();
  const svids = issuedSince(renewalFrom).length;
  await shell(`kubectl -n ${NAMESPACE} delete deployment idle --wait`);
  await until("the pods are gone", 300, async () => (await livePods(NAMESPACE)).length === 0);
  return {
    "key of an SVID, on the wire": kind,
    [`${POD_START} pods at once: creation to all Ready`]: seconds(started, ready),
    [`${POD_START} pods at once: tbot's CPU`]: cpu(before, after),
    [`${POD_START} pods at once: tbot's peak memory`]: memory(after),
    [`storm of ${SIDECARS} sidecars: first to last SVID`]: seconds(Math.min(...issued), Math.max(...issued)),
    [`storm of ${SIDECARS} sidecars: SVIDs issued`]: String(issued.length),
    [`storm of ${SIDECARS} sidecars: tbot's CPU, its start included`]: cpu(NOTHING, storm),
    [`storm of ${SIDECARS} sidecars: tbot's peak memory`]: memory(storm),
    [`${RENEWALS} renewals of ${SIDECARS} sidecars: tbot's CPU for an SVID`]: `${(((renewed.cpuSeconds - storm.cpuSeconds) * 1000) / svids).toFixed(1)} ms`,
    [`${RENEWALS} renewals of ${SIDECARS} sidecars: tbot's peak memory`]: memory(renewed),
  };
}

await requireInstalled();
const forbidManySidecars = allowManySidecars();
const lives = ["tbot.credentialTTL=10m", `tbot.renewalInterval=${RENEWAL_SECONDS}s`];
try {
  await createTeleportResources(lives);
  await upgrade(lives);
  await tbotRolledOut();
  await createNamespace(NAMESPACE, { meshed: true });
  const columns: Record<string, string>[] = [];
  for (const suite of SUITES) {
    process.stderr.write(`measuring ${suite}\n`);
    columns.push(await measure(suite));
  }
  const rows = Object.keys(columns[0] ?? {}).map((row) => [row, ...columns.map((column) => column[row] ?? "")]);
  for (const line of alignColumns([["", ...SUITES], ...rows])) process.stdout.write(`${line}\n`);
} finally {
  forbidManySidecars();
  await deleteNamespace(NAMESPACE);
  await shell("tctl rm cap");
  await upgrade([]);
  await createTeleportResources([]);
}
