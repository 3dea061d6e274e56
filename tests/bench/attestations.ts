/**
 * How many SVIDs a second one tbot issues, by the number of pods on its node, to a client of the Workload API; and how long
 * it takes until all sidecars of the node have a new certificate when all want one at once, because Teleport's SPIFFE CA is
 * being rotated. tbot is the lab's double. `npm run lab -- test --fresh 01-`, then `npm run bench:attestations`; `-- --save`
 * keeps the result. SPIRE's agent, the real one, is asked beside it (`LAB_SPIRE=1`). What a restart of tbot costs is in `npm run bench:keys`.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { allowManySidecars, createIdlePods, scaleIdlePods } from "../lab/testkit/cluster/idle-pods.ts";
import { createNamespace, deleteNamespace } from "../lab/testkit/cluster/namespaces.ts";
import { shell, until } from "../lab/testkit/cluster/shell.ts";
import { auditEvents } from "../lab/testkit/identity/audit-events.ts";
import { startSpire } from "../lab/testkit/identity/spire.ts";
import { type AttestedClient, startAttestedClient } from "./support/attested-client.ts";
import { labBenchmark } from "./support/lab-benchmark.ts";
import { cpuSeconds, tbotPid } from "./support/processes.ts";
import { makeResult, point } from "./support/result.ts";

const IDLE = "bench-crowd";
const CLIENT = "bench-attested";
const CROWDS = [0, 30, 60];
const AT_ONCE = [1, 4, 16];
/** Requests at once when SPIRE's agent is asked, too. */
const BESIDE = 4;
const ROUNDS = 3;
const SECONDS = 3;
/** Of the rotation: each but `rollback` changes the bundle, and the CA that signs stays the same at the end. */
const CYCLES = 2;
/** The test app's. */
const OTHER_SIDECARS = 3;
const SVIDS_PER_SIDECAR = 2;

interface Crowd {
  readonly pods: number;
  readonly sidecars: number;
  /** SVIDs a second by requests at once. */
  readonly perSecond: Map<number, number[]>;
  /** The same of SPIRE's agent. */
  readonly spire: number[];
  /** tbot's CPU for an SVID, milliseconds. */
  readonly cpu: number[];
  /** Seconds until the last sidecar had its new SVIDs. */
  readonly storm: number[];
  readonly stormCpu: number[];
}

async function measureFetches(client: AttestedClient, { perSecond, cpu, spire }: Crowd): Promise<void> {
  for (let round = 1; round <= ROUNDS; round++) {
    for (const atOnce of AT_ONCE) {
      const before = cpuSeconds(await tbotPid());
      const fetched = await client.fetch("tbot", atOnce, SECONDS);
      if (fetched === 0) throw new Error("the client got no SVID");
      cpu.push(((cpuSeconds(await tbotPid()) - before) * 1000) / fetched);
      perSecond.set(atOnce, [...(perSecond.get(atOnce) ?? []), fetched / SECONDS]);
      if (atOnce === BESIDE) spire.push((await client.fetch("spire", atOnce, SECONDS)) / SECONDS);
    }
  }
}

const rotate = (phase: string) => shell(`tctl auth rotate --type=spiffe --manual --phase=${phase}`);

async function measureStorms({ sidecars, storm, stormCpu }: Crowd): Promise<void> {
  const wanted = sidecars * SVIDS_PER_SIDECAR;
  const renewedAfter = async (phase: string) => {
    const from = new Date();
    const before = cpuSeconds(await tbotPid());
    await rotate(phase);
    const issued = await until(`${wanted} SVIDs after ${phase}`, 120, async () => {
      const events = auditEvents(from).filter(({ event }) => event === "spiffe.svid.issued");
      return events.length >= wanted && events;
    });
    // The last ones are written down before tbot has sent them.
    await sleep(1000);
    storm.push((Math.max(...issued.map(({ time }) => Date.parse(time))) - from.getTime()) / 1000);
    stormCpu.push(((cpuSeconds(await tbotPid()) - before) * 1000) / issued.length);
  };
  for (let cycle = 0; cycle < CYCLES; cycle++) {
    await renewedAfter("init");
    await rotate("rollback");
    await renewedAfter("standby");
  }
}

await labBenchmark(async () => {
  const forbidManySidecars = allowManySidecars();
  const crowds: Crowd[] = [];
  const spire = await startSpire([{ namespace: CLIENT, serviceAccount: "default" }]);
  try {
    const client = await startAttestedClient(CLIENT);
    await createNamespace(IDLE, { meshed: true });
    await createIdlePods(IDLE, 0);
    for (const amount of CROWDS) {
      process.stderr.write(`${amount} more pods with a sidecar\n`);
      await scaleIdlePods(IDLE, amount);
      const pods = JSON.parse(await shell("kubectl get pods -A -o json")) as { items: unknown[] };
      const crowd = {
        pods: pods.items.length,
        sidecars: amount + OTHER_SIDECARS,
        perSecond: new Map(),
        spire: [],
        cpu: [],
        storm: [],
        stormCpu: [],
      };
      await measureFetches(client, crowd);
      await measureStorms(crowd);
      crowds.push(crowd);
    }
  } finally {
    await deleteNamespace(CLIENT);
    await deleteNamespace(IDLE);
    await spire.stop();
    forbidManySidecars();
  }

  return makeResult({
    bench: "attestations",
    title: "Attestations of one tbot, and a storm of renewals",
    command: "npm run bench:attestations -- --save",
    x: "pods on the node",
    series: [
      ...AT_ONCE.map((atOnce) => ({
        name: `SVIDs a second, ${atOnce} at once`,
        unit: "",
        points: crowds.map(({ pods, perSecond }) => point(pods, perSecond.get(atOnce) ?? [])),
      })),
      {
        name: `SVIDs a second of SPIRE's agent, ${BESIDE} at once`,
        unit: "",
        points: crowds.map(({ pods, spire: rates }) => point(pods, rates)),
      },
      { name: "tbot's CPU for one", unit: "ms", points: crowds.map(({ pods, cpu }) => point(pods, cpu)) },
      { name: "sidecars", unit: "", points: crowds.map(({ pods, sidecars }) => ({ x: pods, value: sidecars })) },
      {
        name: "rotation: all of them renewed after",
        unit: "s",
        points: crowds.map(({ pods, storm }) => point(pods, storm)),
      },
      {
        name: "rotation: tbot's CPU for an SVID",
        unit: "ms",
        points: crowds.map(({ pods, stormCpu }) => point(pods, stormCpu)),
      },
    ],
    notes: [
      "The client is a process in a pod, with a new connection for each SVID; tbot attests it each time, by the kubelet's list of the node's pods. It hashes no executable: `tbot.attestBinary` is off, as by default.",
      "SPIRE's agent attests each time as well, but has its certificates ready: tbot has a new one issued for each request.",
      "In a storm no sidecar is attested again: its stream is open, and it gets two SVIDs, one with the certificate and one that comes with the trust bundle. The time begins before `tctl auth rotate` is started.",
      `Medians, least and most of ${ROUNDS} rounds of ${SECONDS} s, and of ${2 * CYCLES} storms.`,
      "tbot and the Auth Service are the lab's double, on the same cores as all sidecars.",
    ],
  });
});
