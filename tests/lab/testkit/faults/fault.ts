import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse } from "yaml";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { livePods } from "../cluster/pods.ts";
import { shell, until } from "../cluster/shell.ts";
import { doctorNames } from "../doctor/doctor.ts";
import { auditEvents } from "../identity/audit-events.ts";
import { WireWatch } from "../identity/wire-watch.ts";
import { requireInstalled, USER_DIR } from "../installation/installation.ts";
import { createTeleportResources, setFlags, tbotRolledOut, upgrade } from "../installation/releases.ts";
import { createMonitoringKinds, deleteMonitoringKinds, Prometheus } from "../monitoring/prometheus.ts";
import { type AccessLogLine, accessLog } from "../traffic/access-log.ts";
import { exposeFailures, type FailedRequest, type Load, restoreTraffic, startLoad } from "../traffic/load.ts";
import { agrees, type DocumentedFault, documentedFault } from "./fault-table.ts";

const NAMESPACE = "test-app";
const PORT = 8080;
const DEPLOYMENTS = ["server", "allowed-client", "other-client"];
/** Requests per second. */
const RATE = 30;
/** How long the load continues after everything is healed: a request that fails then is part of the fault. */
const AFTER_MS = 2000;
const STATS_ANNOTATION = "sidecar.istio.io/statsInclusionRegexps";
const ALERT_PREFIX = "IstioTeleport";
/** The check of doctor that speaks of short lives whatever else is broken. */
const SHORT_LIFE = "outage-budget";

/** How long certificates live, and after how much of it they are renewed, in seconds. */
export interface Life {
  readonly ttl: number;
  readonly renewal: number;
}

/** One thing that goes wrong in operation. */
export interface Fault {
  /** The first cell of its row in docs/operate/faults.md. */
  readonly name: string;
  readonly break: () => Promise<void>;
  /** Whether it has had the effect that it is about; default: from the start. It is not repaired before. */
  readonly while?: (now: Meanwhile) => Promise<boolean>;
  /** What an operator does; without it the fault must heal by itself, and doctor is not asked. */
  readonly repair?: (now: Meanwhile) => Promise<void>;
  /** Default: each pod of the test app presents a certificate that was issued after the fix (or else the break). */
  readonly healed?: (now: Meanwhile) => Promise<boolean>;
  /** Seconds after which it is repaired even if doctor or an alert is missing, and the test fails; default 90. */
  readonly longest?: number;
}

/** What a fault may look at while it lasts. */
export interface Meanwhile {
  readonly wire: WireWatch;
  readonly brokenAt: Date;
  /** Requests that failed up to now. */
  failed(): readonly FailedRequest[];
  /** Stops the load while `change` runs, for a fix that restarts its client; what it did before counts. */
  withoutLoad(change: () => Promise<void>): Promise<void>;
}

/** What was seen of one fault. Times are seconds since the break, with one decimal. */
export interface FaultRecord {
  readonly name: string;
  readonly requests: number;
  readonly failed: number;
  readonly firstFailure?: number;
  readonly lastFailure?: number;
  /** The failures that the client's sidecar wrote down, by status, Envoy's flag and TLS reason. */
  readonly failures: Readonly<Record<string, { count: number; first: number; last: number }>>;
  readonly repaired?: number;
  /** Seconds from the fix, or from the break where nobody fixes it, to the last failed request and a healed mesh. */
  readonly healedIn: number;
  /** Without their common prefix, sorted. */
  readonly alerts: readonly string[];
  /** Ids of doctor's checks, sorted. */
  readonly doctor: readonly string[];
  /** Handshakes with the test app's pods in which one presented a certificate of Teleport's CA. */
  readonly handshakes: number;
  /** Serial numbers in the access log of the server: each one of Teleport's. */
  readonly serials: number;
}

/** The test app under short-lived certificates, with a Prometheus beside it, in which faults are tried one by one. */
export class FaultBench {
  #prometheus: Prometheus;
  #sets: readonly string[];
  readonly #records: FaultRecord[] = [];
  readonly #title: string;

  private constructor(title: string, sets: readonly string[], prometheus: Prometheus) {
    this.#title = title;
    this.#sets = sets;
    this.#prometheus = prometheus;
  }

  /**
   * Prepares the lab: the chart's monitoring, certificates of a short life, sidecars that show when their certificate
   * expires, a load whose failures are seen, a real Prometheus whose alerts do not wait. `close` takes it all back.
   *
   * @param title the report's file name in the lab's state: `faults/<title>.md` and `.json`
   * @param life of certificates; default: the user's values
   */
  static async open(title: string, life?: Life): Promise<FaultBench> {
    await requireInstalled();
    const sets = setsOf(life);
    await Promise.all([createMonitoringKinds(), createTeleportResources(sets)]);
    const installed = install(sets);
    await Promise.all([installed, installed.then(() => showExpiry(sets)), exposeFailures()]);
    return new FaultBench(title, sets, await Prometheus.start({ atOnce: true }));
  }

  /** Gives certificates another life, and Prometheus the alerts that go with it. */
  async setLife(life?: Life): Promise<void> {
    this.#sets = setsOf(life);
    await createTeleportResources(this.#sets);
    await install(this.#sets);
    await this.#prometheus.stop();
    this.#prometheus = await Prometheus.start({ atOnce: true });
  }

  async close(): Promise<void> {
    await this.#prometheus.stop();
    await createTeleportResources([]);
    await Promise.all([install([]).then(deleteMonitoringKinds), restoreTraffic(), hideExpiry()]);
  }

  /** Tries one fault; throws if it does not heal, or is not what docs/operate/faults.md says. */
  async try(fault: Fault): Promise<FaultRecord> {
    const documented = documentedFault(fault.name);
    const record = await this.#observe(fault, documented);
    this.#save(record);
    process.stderr.write(`${summary(record)}\n`);
    const wrong = contradictions(record, documented);
    if (wrong.length > 0) throw new Error(`docs/operate/faults.md, "${fault.name}": ${wrong.join("; ")}`);
    return record;
  }

  async #observe(fault: Fault, documented: DocumentedFault): Promise<FaultRecord> {
    const startedAt = new Date();
    const wire = await WireWatch.start(NAMESPACE, PORT);
    let load: Load | undefined;
    const done = { requests: 0, failed: [] as FailedRequest[] };
    const stopLoad = async () => {
      const running = load;
      load = undefined;
      if (running === undefined) return;
      const { requests, failed } = await running.stop();
      done.requests += requests;
      done.failed.push(...failed);
    };
    const alerts = new AlertWatch(this.#prometheus);
    let doctor: string[] = [];
    let asking = fault.repair !== undefined && documented.doctor.must.length > 0;
    try {
      const loading = startLoad(RATE).then((started) => {
        load = started;
      });
      const certified = until("each pod presents Teleport's certificate", 30, async () =>
        wire.allIssuedSince(new Date(0)),
      );
      await Promise.all([loading, certified, this.#quiet()]);
      const brokenAt = new Date();
      const since = (at: Date | number) => Math.round((Number(at) - brokenAt.getTime()) / 100) / 10;
      const now: Meanwhile = {
        wire,
        brokenAt,
        failed: () => [...done.failed, ...(load?.soFar().failed ?? [])],
        withoutLoad: async (change) => {
          await stopLoad();
          await change();
          load = await startLoad(RATE);
        },
      };
      await fault.break();
      const asked = (async () => {
        while (asking) {
          const named = await doctorNames(this.#sets);
          doctor = named.filter((id) => id !== SHORT_LIFE).toSorted();
          if (agrees(documented.doctor, doctor)) asking = false;
        }
      })();
      const end = Date.now() + (fault.longest ?? 90) * 1000;
      let effect = false;
      while (Date.now() < end) {
        effect ||= (await fault.while?.(now)) ?? true;
        const raised = await alerts.look();
        const seen = fault.repair === undefined || documented.alerts.must.every((name) => raised.includes(name));
        if (effect && seen && !asking) break;
        await sleep(500);
      }
      asking = false;
      await asked;
      if (!effect) throw new Error(`"${fault.name}" had no effect; doctor: ${doctor.join(", ")}`);
      // What the fix itself raises, as by a restart, is not the fault's.
      const fired = fault.repair && alerts.lasting();
      const repairedAt = fault.repair && new Date();
      await fault.repair?.(now);
      const from = repairedAt ?? brokenAt;
      const healed = fault.healed ?? (async () => wire.allIssuedSince(from));
      await until(`"${fault.name}" heals`, documented.healsWithin + 60, async () => {
        await alerts.look();
        return healed(now);
      });
      const healedAt = Date.now();
      await sleep(AFTER_MS);
      await stopLoad();
      const failed = done.failed;
      const last = failed.at(-1)?.at;
      const lines = await accessLog(NAMESPACE, startedAt);
      const seen = await wire.stop();
      if (seen.foreign.length > 0) throw new Error(`certificates that are not Teleport's: ${seen.foreign.join("\n")}`);
      return {
        name: fault.name,
        requests: done.requests,
        failed: failed.length,
        ...(failed[0] && last && { firstFailure: since(failed[0].at), lastFailure: since(last) }),
        failures: failuresIn(lines, since),
        ...(repairedAt && { repaired: since(repairedAt) }),
        healedIn: Math.round((Math.max(healedAt, Number(last ?? 0)) - from.getTime()) / 100) / 10,
        alerts: fired ?? alerts.outlasted(),
        doctor,
        handshakes: seen.ofTeleport,
        serials: serialsOfTeleport(lines),
      };
    } finally {
      asking = false;
      await stopLoad().catch(() => {});
      await wire.stop();
    }
  }

  /** Waits until nothing is wrong: every target answers and no alert is left of what was before. */
  async #quiet(): Promise<void> {
    await this.#prometheus.forget();
    await until("Prometheus sees a healthy mesh", 60, async () => {
      const up = await this.#prometheus.query("up == 1");
      const left = await this.#prometheus.alerts();
      if (left.length > 0) throw new Error(`alerts: ${left.map(({ name }) => name).join(", ")}`);
      // More are pods that are being deleted, for up to 30 s: `sleep` ends by no signal.
      return up.length > DEPLOYMENTS.length;
    });
  }

  #save(record: FaultRecord): void {
    this.#records.push(record);
    const folder = join(labPaths().state, "faults");
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `${this.#title}.json`), `${JSON.stringify(this.#records, undefined, 2)}\n`);
    const rows = this.#records.map(
      ({ name, requests, failed, healedIn, alerts, doctor }) =>
        `| ${name} | ${failed} of ${requests} | ${healedIn} s | ${alerts.join(", ") || "none"} | ${doctor.join(", ") || "none"} |`,
    );
    const head = ["| fault | failed requests | healed in | alerts | doctor |", "|---|---|---|---|---|"];
    writeFileSync(join(folder, `${this.#title}.md`), `${[...head, ...rows].join("\n")}\n`);
  }
}

/** Notes which alerts a fault raises. */
class AlertWatch {
  readonly #prometheus: Prometheus;
  readonly #outlasted = new Set<string>();
  #active: string[] = [];

  constructor(prometheus: Prometheus) {
    this.#prometheus = prometheus;
  }

  /** The alerts that are active now, without their common prefix. */
  async look(): Promise<readonly string[]> {
    const all = await this.#prometheus.alerts();
    for (const { name, since } of all) {
      const wait = milliseconds(this.#prometheus.waits.get(name) ?? "0s");
      if (Date.now() - since.getTime() >= wait) this.#outlasted.add(name.replace(ALERT_PREFIX, ""));
    }
    this.#active = all.map(({ name }) => name.replace(ALERT_PREFIX, ""));
    return this.#active;
  }

  /** Those whose waiting times were over while they were active, sorted. */
  outlasted(): string[] {
    return [...this.#outlasted].toSorted();
  }

  /** The same, and those that are active now, which would outlast their waiting times if nobody repaired the fault. */
  lasting(): string[] {
    return [...new Set([...this.#outlasted, ...this.#active])].toSorted();
  }
}

/** What a record says against its row. */
function contradictions(record: FaultRecord, documented: DocumentedFault): string[] {
  const wrong: string[] = [];
  const { failed, requests, healedIn, alerts, doctor, handshakes, serials } = record;
  if (failed > 0 !== documented.fails)
    wrong.push(`${failed} of ${requests} requests failed: ${JSON.stringify(record.failures)}`);
  if (healedIn > documented.healsWithin) wrong.push(`it took ${healedIn} s to heal`);
  if (!agrees(documented.alerts, alerts)) wrong.push(`alerts: ${alerts.join(", ") || "none"}`);
  if (!agrees(documented.doctor, doctor)) wrong.push(`doctor: ${doctor.join(", ") || "none"}`);
  // Else the watch, the load or the log was blind. How many there are depends on how long the fault lasts.
  if (handshakes < 5 || requests < RATE || serials < 1)
    wrong.push(`only ${requests} requests, ${handshakes} handshakes, ${serials} serial numbers were seen`);
  return wrong;
}

function summary(record: FaultRecord): string {
  const { name, firstFailure, lastFailure, repaired } = record;
  const failing = record.failed === 0 ? "" : ` (from ${firstFailure} s to ${lastFailure} s)`;
  const parts = [
    `${record.failed} of ${record.requests} requests failed${failing}`,
    repaired === undefined ? "healed by itself" : `repaired after ${repaired} s`,
    `healed in ${record.healedIn} s`,
    `alerts ${record.alerts.join(", ") || "none"}`,
    `doctor ${record.doctor.join(", ") || "none"}`,
    `${record.handshakes} handshakes and ${record.serials} serial numbers, all Teleport's`,
  ];
  const failures = record.failed === 0 ? "" : `; ${JSON.stringify(record.failures)}`;
  return `fault "${name}": ${parts.join("; ")}${failures}`;
}

/** Kinds of failure in the access log of the calling sidecar. */
function failuresIn(lines: readonly AccessLogLine[], since: (at: Date) => number): FaultRecord["failures"] {
  const kinds: Record<string, { count: number; first: number; last: number }> = {};
  const failed = lines.filter(
    ({ upstream_cluster: cluster, response_code: code }) => cluster?.startsWith("outbound") && Number(code) !== 200,
  );
  for (const line of failed.toSorted((a, b) => (a.time < b.time ? -1 : 1))) {
    const kind = [line.response_code, line.response_flags, line.upstream_transport_failure_reason]
      .filter((part) => part !== null && part !== "-")
      .join(" ");
    const at = since(new Date(line.time));
    kinds[kind] = { count: (kinds[kind]?.count ?? 0) + 1, first: kinds[kind]?.first ?? at, last: at };
  }
  return kinds;
}

/** How many serial numbers callers presented to the server; throws for one that Teleport never issued. */
function serialsOfTeleport(lines: readonly AccessLogLine[]): number {
  const issued = new Set(auditEvents().map(({ serial_number: serial }) => plain(serial ?? "")));
  const presented = lines
    .filter(({ upstream_cluster: cluster }) => cluster?.startsWith("inbound"))
    .map(({ peer_serial: serial }) => plain(serial ?? ""));
  const all = new Set(presented.filter((serial) => serial !== "" && serial !== "-"));
  const foreign = [...all].filter((serial) => !issued.has(serial));
  if (foreign.length > 0)
    throw new Error(`the server was called with certificates that Teleport never issued: ${foreign.join(", ")}`);
  return all.size;
}

/** A serial number without colons and leading zeros. */
function plain(serial: string): string {
  return serial.replaceAll(":", "").toLowerCase().replace(/^0+/, "");
}

function milliseconds(duration: string): number {
  const units: Record<string, number> = { s: 1000, m: 60_000, h: 3_600_000 };
  return [...duration.matchAll(/(\d+)([smh])/g)].reduce(
    (sum, [, n, unit]) => sum + Number(n) * (units[unit ?? ""] ?? 0),
    0,
  );
}

function setsOf(life: Life | undefined): string[] {
  const lives = life === undefined ? [] : [`tbot.credentialTTL=${life.ttl}s`, `tbot.renewalInterval=${life.renewal}s`];
  return ["monitoring.enabled=true", ...lives];
}

async function install(sets: readonly string[]): Promise<void> {
  await upgrade(sets);
  await tbotRolledOut();
}

/** Has the test app's sidecars keep the statistics that the alerts need, as a mesh does whose istiod has our values. */
async function showExpiry(sets: readonly string[]): Promise<void> {
  const values = parse(
    await shell(`npx -p istio-teleport istio-teleport render istio -f values.yaml ${setFlags(sets)}`, {
      cwd: USER_DIR,
    }),
  ) as { meshConfig: { defaultConfig: { proxyStatsMatcher: { inclusionRegexps: string[] } } } };
  await annotate(values.meshConfig.defaultConfig.proxyStatsMatcher.inclusionRegexps.join(","));
}

function hideExpiry(): Promise<void> {
  return annotate(null);
}

/** Gives the test app's pods the annotation, or takes it away, and waits until only the new pods are there. */
async function annotate(value: string | null): Promise<void> {
  const patch = JSON.stringify({ spec: { template: { metadata: { annotations: { [STATS_ANNOTATION]: value } } } } });
  const names = DEPLOYMENTS.join(" ");
  await shell(`kubectl -n ${NAMESPACE} patch deployment ${names} --type merge -p '${patch}'`);
  for (const name of DEPLOYMENTS)
    await shell(`kubectl -n ${NAMESPACE} rollout status deployment/${name} --timeout=120s`);
  await until("only the new pods are there", 60, async () => (await livePods(NAMESPACE)).length === DEPLOYMENTS.length);
}
