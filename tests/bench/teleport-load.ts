/**
 * What one tbot and one pod put on Teleport: the constants by which docs/performance reckons a large mesh. Measured at the
 * lab's double of Teleport, which speaks another protocol than Teleport does: what is counted holds for both, bytes and CPU
 * are the double's. `npm run lab -- test --fresh 01-`, then `npm run bench:load`; `-- --save` keeps the result.
 */
import { statSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { TELEPORT_PORT } from "../../lab/cluster/addresses.ts";
import { labPaths } from "../../lab/machine/paths.ts";
import { runningProcess } from "../../lab/machine/processes.ts";
import { createIdlePods, scaleIdlePods } from "../lab/testkit/cluster/idle-pods.ts";
import { createNamespace, deleteNamespace } from "../lab/testkit/cluster/namespaces.ts";
import { address, onePod } from "../lab/testkit/cluster/pods.ts";
import { shell, until } from "../lab/testkit/cluster/shell.ts";
import { type AuditEvent, auditEvents } from "../lab/testkit/identity/audit-events.ts";
import { createTeleportResources, tbotRolledOut, upgrade } from "../lab/testkit/installation/releases.ts";
import { labBenchmark } from "./support/lab-benchmark.ts";
import { cpuSeconds, tbotPid } from "./support/processes.ts";
import { makeResult, type Point, point } from "./support/result.ts";
import { countWireBytes, type WireBytes } from "./support/wire-bytes.ts";

const NAMESPACE = "bench-load";
const SIDECARS = 30;
/** Seconds between two renewals, much shorter than anybody's, so that a window holds many. */
const BOT_RENEWAL = 1;
const SVID_RENEWAL = 10;
const WINDOW = 20;
const WINDOWS = 5;
/** Nobody's sidecars but ours. */
const QUIET = ["testApp.enabled=false"];
const OFTEN = [...QUIET, "tbot.credentialTTL=60s", `tbot.renewalInterval=${SVID_RENEWAL}s`];
const EVENTS = join(labPaths().teleportData, "log", "events.log");

/** What one window saw, from its start to its end. */
interface Window {
  readonly seconds: number;
  readonly joins: number;
  readonly svids: number;
  readonly workingCredentials: number;
  readonly bytes: number;
  readonly eventBytes: number;
  /** CPU milliseconds. */
  readonly teleport: number;
  readonly tbot: number;
}

function teleportPid(): number {
  const process = runningProcess(labPaths(), "teleport");
  if (process === undefined) throw new Error("what plays Teleport does not run");
  return process.pid;
}

/** A page of tbot's metrics. */
async function tbotMetrics(): Promise<string> {
  const ip = address(await onePod("teleport-system", "app.kubernetes.io/name=tbot"));
  return shell(`curl -sf http://${ip}:3001/metrics`);
}

/** The sum of the samples of a metric whose labels match. */
function sample(metrics: string, name: string, labels: RegExp): number {
  return [...metrics.matchAll(new RegExp(`^${name}\\{(.*)\\} (\\S+)$`, "gm"))]
    .filter(([, found]) => labels.test(found ?? ""))
    .reduce((sum, [, , value]) => sum + Number(value), 0);
}

async function state(wire: WireBytes) {
  return {
    at: new Date(),
    bytes: await wire.read(),
    eventBytes: statSync(EVENTS).size,
    teleport: cpuSeconds(teleportPid()) * 1000,
    tbot: cpuSeconds(await tbotPid()) * 1000,
    workingCredentials: sample(await tbotMetrics(), "tbot_task_iterations_total", /name="output-renewal"/),
  };
}

const count = (events: readonly AuditEvent[], kind: AuditEvent["event"], from: Date, to: Date) =>
  events.filter(({ event, time }) => event === kind && new Date(time) >= from && new Date(time) < to).length;

async function watch(wire: WireBytes): Promise<Window[]> {
  const windows: Window[] = [];
  for (let window = 1; window <= WINDOWS; window++) {
    const before = await state(wire);
    await sleep(WINDOW * 1000);
    const after = await state(wire);
    const events = auditEvents(before.at);
    windows.push({
      seconds: (after.at.getTime() - before.at.getTime()) / 1000,
      joins: count(events, "bot.join", before.at, after.at),
      svids: count(events, "spiffe.svid.issued", before.at, after.at),
      workingCredentials: after.workingCredentials - before.workingCredentials,
      bytes: after.bytes - before.bytes,
      eventBytes: after.eventBytes - before.eventBytes,
      teleport: after.teleport - before.teleport,
      tbot: after.tbot - before.tbot,
    });
  }
  return windows;
}

/** How many joins an interval holds, by the time between each two. */
function joinsOfIntervals(events: readonly AuditEvent[]): number[] {
  const times = events.filter(({ event }) => event === "bot.join").map(({ time }) => Date.parse(time));
  return times.slice(1).map((time, index) => (BOT_RENEWAL * 1000) / (time - (times[index] ?? Number.NaN)));
}

/** How many SVIDs each of our sidecars got in each of its renewals: those that came within half an interval. */
function svidsOfRenewals(events: readonly AuditEvent[]): number[] {
  const times = new Map<string, number[]>();
  for (const { event, attributes, time } of events) {
    const pod = attributes?.workload?.kubernetes?.pod_name ?? "";
    if (event === "spiffe.svid.issued" && pod.startsWith("idle-"))
      times.set(pod, [...(times.get(pod) ?? []), Date.parse(time)]);
  }
  return [...times.values()].flatMap((ofPod) => {
    const renewals: number[] = [];
    let begun = Number.NEGATIVE_INFINITY;
    for (const time of ofPod) {
      if (time - begun < (SVID_RENEWAL * 1000) / 2) renewals.push((renewals.pop() ?? 0) + 1);
      else {
        renewals.push(1);
        begun = time;
      }
    }
    // The first and the last may be cut by the ends of what was watched.
    return renewals.slice(1, -1);
  });
}

/** Connections to what plays Teleport that are open. */
async function openConnections(): Promise<number> {
  const lines = await shell(`ss -Htn state established '( sport = :${TELEPORT_PORT} )'`);
  return lines.split("\n").filter((line) => line !== "").length;
}

async function apply(sets: readonly string[]): Promise<void> {
  await createTeleportResources(sets);
  await upgrade(sets);
  await tbotRolledOut();
}

const each = (windows: readonly Window[], of: (window: Window) => number) => windows.map(of);
const exactly = (x: string, value: number): Point => ({ x, value });

await labBenchmark(async () => {
  const wire = await countWireBytes();
  try {
    await createNamespace(NAMESPACE, { meshed: true });
    process.stderr.write("a tbot that has no sidecar\n");
    await apply([...QUIET, `tbot.extraConfig.renewal_interval=${BOT_RENEWAL}s`, "tbot.extraConfig.credential_ttl=60s"]);
    await until("the test app is gone", 60, async () => (await shell("kubectl -n test-app get pods -o name")) === "");
    const aloneFrom = new Date();
    const alone = await watch(wire);
    const joins = auditEvents(aloneFrom);

    process.stderr.write(`${SIDECARS} sidecars\n`);
    await apply(QUIET);
    const connections = await openConnections();
    const beforeStart = new Date();
    await createIdlePods(NAMESPACE, 0);
    await scaleIdlePods(NAMESPACE, SIDECARS);
    const atStart = count(auditEvents(beforeStart), "spiffe.svid.issued", beforeStart, new Date());
    await apply(OFTEN);
    await until("every sidecar is back", 60, async () => {
      return auditEvents(beforeStart).filter(({ event }) => event === "spiffe.svid.issued").length >= 2 * atStart;
    });
    const streams = await tbotMetrics();
    const rpc = /grpc_method="StreamSecrets"/;
    const open = sample(streams, "grpc_server_started_total", rpc) - sample(streams, "grpc_server_handled_total", rpc);
    const servedFrom = new Date();
    const served = await watch(wire);
    const renewals = svidsOfRenewals(auditEvents(servedFrom));

    const bot = each(alone, ({ joins, bytes }) => bytes / joins);
    const svid = (of: (window: Window) => number) => each(served, (window) => of(window) / window.svids);
    return makeResult({
      bench: "teleport-load",
      title: "What a tbot and a sidecar put on Teleport",
      command: "npm run bench:load -- --save",
      x: "what",
      series: [
        {
          name: "amount",
          unit: "",
          points: [
            point("joins of a tbot in one renewal interval of its own", joinsOfIntervals(joins)),
            point(
              "working credentials of a tbot in one renewal interval of its own",
              each(alone, ({ workingCredentials, seconds }) => (workingCredentials * BOT_RENEWAL) / seconds),
            ),
            point("SVIDs of a sidecar in one renewal interval", renewals),
            exactly("SVIDs of a sidecar at its start", atStart / SIDECARS),
            exactly("streams of a sidecar to tbot", open / SIDECARS),
            exactly("connections of a tbot to Teleport", connections),
          ],
        },
        {
          name: "bytes",
          unit: "B",
          points: [
            point("a join and a working credential", bot),
            point(
              "an SVID",
              svid(({ bytes }) => bytes),
            ),
            point(
              "an SVID's audit event",
              svid(({ eventBytes }) => eventBytes),
            ),
          ],
        },
        {
          name: "CPU of what plays Teleport",
          unit: "ms",
          points: [
            point(
              "a join and a working credential",
              each(alone, ({ teleport, joins }) => teleport / joins),
            ),
            point(
              "an SVID",
              svid(({ teleport }) => teleport),
            ),
          ],
        },
        {
          name: "CPU of tbot",
          unit: "ms",
          points: [
            point(
              "a join and a working credential",
              each(alone, ({ tbot, joins }) => tbot / joins),
            ),
            point(
              "an SVID",
              svid(({ tbot }) => tbot),
            ),
          ],
        },
      ],
      notes: [
        `Medians, least and most of ${WINDOWS} windows of ${WINDOW} s: a tbot without sidecars that renews each ${BOT_RENEWAL} s, then one with ${SIDECARS} sidecars that are renewed each ${SVID_RENEWAL} s.`,
        "Bytes are of both ways, IP and TCP headers included. An SVID's contain the question for the signature suite, as tbot asks it for each.",
        "Joins and SVIDs are of the audit log: of each two joins that follow each other, and of each renewal of each sidecar.",
        "Three of the connections are watches (trust bundle, rotation, revocations). The double's clients open a connection for each, where gRPC has a stream.",
        "The double speaks JSON over HTTP where Teleport speaks gRPC, and keeps its records in files: take its bytes and CPU for the order of magnitude. What is counted follows tbot's sources.",
      ],
    });
  } finally {
    await wire.stop();
    await deleteNamespace(NAMESPACE);
    await apply([]);
    await shell("kubectl -n test-app rollout status deployment --timeout=180s");
  }
});
