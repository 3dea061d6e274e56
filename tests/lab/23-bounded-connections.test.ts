import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createNamespace, deleteNamespace, namespaceExists } from "./testkit/cluster/namespaces.ts";
import { address, onePod, untilReady } from "./testkit/cluster/pods.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { requireInstalled } from "./testkit/installation/installation.ts";
import { createTeleportResources, tbotRolledOut, upgrade } from "./testkit/installation/releases.ts";
import { SOAK } from "./testkit/run/soak.ts";
import { counters, rise, STATS_ANNOTATION } from "./testkit/traffic/envoy-counters.ts";
import { clientRepeatsNothing, type Load, type LoadResult, startLoad, TEST_APP } from "./testkit/traffic/load.ts";
import { measureThroughput, type Throughput } from "./testkit/traffic/throughput.ts";

const NAMESPACE = "bounded";
const CLIENT = "allowed-client";
const SERVERS = ["http", "tcp"] as const;
type Server = (typeof SERVERS)[number];
const hostOf = (server: Server) => `${server}.${NAMESPACE}.svc.cluster.local`;
const urlOf = (server: Server, path: string) => `http://${hostOf(server)}${path}`;

/** Seconds: as short as the chart takes it, with a renewal that has time. */
const RENEWAL = 15;
const LIFE = ["tbot.credentialTTL=45s", `tbot.renewalInterval=${RENEWAL}s`];
/** The shortest that the chart takes, seconds. */
const BOUND = 10;
/** Envoy's drain_timeout: how long a connection may wait for its last request. */
const DRAIN = 5;
/** For the machine, which is small: seconds. */
const TOLERANCE = 5;
/**
 * Seconds after its certificate's end in which a client may still be answered. Until the server's own certificate is renewed,
 * its Envoy resumes TLS sessions, and checks no certificate again for those.
 */
const LATEST = RENEWAL + BOUND + DRAIN + TOLERANCE;
const BOUNDED = [`mesh.connections.maxDuration=${BOUND}s`, `mesh.connections.tcpMaxDuration=${BOUND}s`];
const UNBOUNDED = ["mesh.connections.maxDuration=", "mesh.connections.tcpMaxDuration="];
/** Requests a second to each server, so few that one connection carries them all. */
const RATE = 4;
/** How long each turn of the comparison takes: longer than the limit. */
const TURN_SECONDS = 15;
const WORKERS = 8;

/** Istio takes a port for what its name says: the same program is called over HTTP and over plain TCP. */
function serverObjects(name: Server): string {
  return `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}
  namespace: ${NAMESPACE}
  labels: {app: ${name}}
  annotations: {${STATS_ANNOTATION}: ".*max.*connection_duration|.*downstream_cx_max_duration_reached|.*15006[.]ssl.*"}
spec:
  containers:
    - {name: server, image: "lab.local/go-httpbin:lab", imagePullPolicy: Never, args: [-max-duration, 60s]}
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${NAMESPACE}}
spec:
  selector: {app: ${name}}
  ports: [{name: ${name}, port: 80, targetPort: 8080}]
---
`;
}

/** By default the client's sidecar would repeat a request that failed. */
const NO_RETRIES = `
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: no-retries, namespace: ${NAMESPACE}}
spec:
  hosts: [${hostOf("http")}]
  http:
    - route: [{destination: {host: ${hostOf("http")}}}]
      retries: {attempts: 0}
`;

/** Upgrades the chart, and waits until the sidecars of both servers have the limits, or none. */
async function limit(sets: typeof BOUNDED | typeof UNBOUNDED): Promise<void> {
  await upgrade([...LIFE, ...sets]);
  const fields = { http: "maxConnectionDuration", tcp: "maxDownstreamConnectionDuration" };
  for (const server of SERVERS) {
    await until(`the server ${server} has the limit or none`, 60, async () => {
      const listeners = await shell(`istioctl proxy-config listeners ${server}.${NAMESPACE} --port 15006 -o json`);
      return listeners.includes(`"${fields[server]}": "${BOUND}s"`) === (sets === BOUNDED);
    });
  }
  // Envoy drains the connections of the listener that was replaced (drainDuration of the lab).
  await sleep(2 * DRAIN * 1000);
}

/** The client gets no certificate any more; the rest of the mesh does. */
async function revokeClient(): Promise<void> {
  const name = "workload_identity/istio-workloads";
  const stored = JSON.parse(await shell(`tctl get ${name} --format json`)) as [{ spec: object }] | { spec: object };
  const identity = Array.isArray(stored) ? stored[0] : stored;
  const expression = `workload.kubernetes.service_account != "${CLIENT}"`;
  const revoked = { ...identity, spec: { ...identity.spec, rules: { allow: [{ expression }] } } };
  await shell("tctl create -f", { input: JSON.stringify(revoked) });
}

const client = () => onePod("test-app", `app.kubernetes.io/name=${CLIENT}`);
const server = (name: Server) => onePod(NAMESPACE, `app=${name}`);

/** Waits until the client has a certificate that is valid, or none; returns when its last one ends or ended. */
async function clientIsValid(wanted: boolean): Promise<Date> {
  const issuers = await Issuers.read();
  const ip = address(await client());
  return until(`the client's certificate is ${wanted ? "valid" : "over"}`, 90, async () => {
    const presented = await issuers.presented(ip, 80);
    return presented?.valid === wanted && presented.notAfter;
  });
}

/** A new connection of the client's: whether the server answers. */
async function answersAnew(name: Server): Promise<boolean> {
  const curl = `curl -sf -o /dev/null --max-time 5 ${urlOf(name, "/headers")}`;
  return (await tryShell(`kubectl -n test-app exec deploy/${CLIENT} -c ${CLIENT} -- ${curl}`)).code === 0;
}

/** Calls both servers while `run` runs; what became of the requests. */
async function underLoad(run: (loads: Record<Server, Load>) => Promise<void>): Promise<Record<Server, LoadResult>> {
  const results: Partial<Record<Server, LoadResult>> = {};
  const loads = {
    http: await startLoad(RATE, { url: urlOf("http", "/headers") }),
    tcp: await startLoad(RATE, { url: urlOf("tcp", "/headers") }),
  };
  try {
    await run(loads);
  } finally {
    for (const name of SERVERS) results[name] = await loads[name].stop();
  }
  return results as Record<Server, LoadResult>;
}

/** The requests that failed from a second before a moment on: certificates count whole seconds. */
const failedSince = ({ failed }: LoadResult, since: Date) =>
  failed.filter(({ at }) => at.getTime() > since.getTime() - 1000);
const answered = ({ requests, failed }: LoadResult) => requests - failed.length;

async function leaveNothing(): Promise<void> {
  await createTeleportResources([]);
  await upgrade([]);
  if (await namespaceExists(NAMESPACE)) await deleteNamespace(NAMESPACE);
  await tbotRolledOut();
  await clientIsValid(true);
}

beforeAll(async () => {
  await requireInstalled();
  await createNamespace(NAMESPACE, { meshed: true });
  await createTeleportResources(LIFE);
  await upgrade([...LIFE, ...UNBOUNDED]);
  await tbotRolledOut();
  await shell("kubectl apply -f -", { input: `${SERVERS.map(serverObjects).join("")}${NO_RETRIES}` });
  for (const name of SERVERS) await untilReady(NAMESPACE, `app=${name}`, 90);
  await until("the client's sidecar repeats no request", 60, () =>
    clientRepeatsNothing({ ...TEST_APP, host: hostOf("http") }),
  );
}, 240_000);

afterAll(leaveNothing, 180_000);

describe("an identity that Teleport no longer issues", () => {
  it("lives on in open connections past its certificate's end, without a limit", async () => {
    await limit(UNBOUNDED);
    await clientIsValid(true);
    const load = await underLoad(async () => {
      await revokeClient();
      const end = await clientIsValid(false);
      await sleep(end.getTime() + LATEST * 1000 - Date.now());
      // Only what was open goes on.
      expect(await answersAnew("tcp")).toBe(false);
    });
    for (const name of SERVERS) {
      process.stderr.write(`no limit, ${name}: ${load[name].requests} requests, ${load[name].failed.length} failed\n`);
      expect(load[name].failed, name).toEqual([]);
    }
    await createTeleportResources(LIFE);
    await clientIsValid(true);
  }, 240_000);

  it(`is out soon after its certificate's end, with a limit of ${BOUND} s`, async () => {
    await limit(BOUNDED);
    await clientIsValid(true);
    const pods = { http: await server("http"), tcp: await server("tcp") };
    const before = { http: await counters(NAMESPACE, pods.http), tcp: await counters(NAMESPACE, pods.tcp) };
    let end = new Date(0);
    const answeredAtFirstFailure: Partial<Record<Server, number>> = {};
    const load = await underLoad(async (loads) => {
      await revokeClient();
      end = await clientIsValid(false);
      for (const name of SERVERS) {
        const last = await until(`${name}: a request fails`, LATEST, async () => {
          const soFar = loads[name].soFar();
          return failedSince(soFar, end).length > 0 && soFar;
        });
        answeredAtFirstFailure[name] = answered(last);
      }
      await sleep(TOLERANCE * 1000);
      for (const name of SERVERS) expect(await answersAnew(name), name).toBe(false);
    });
    for (const name of SERVERS) {
      const [first, ...others] = failedSince(load[name], end);
      const seconds = ((first?.at.getTime() ?? Number.NaN) - end.getTime()) / 1000;
      const risen = rise(before[name], await counters(NAMESPACE, pods[name]));
      process.stderr.write(
        `limit ${BOUND} s, ${name}: ${answered(load[name])} answered, then ${others.length + 1} failed (${first?.code}), the first ${seconds.toFixed(1)} s after the certificate's end; ${sum(risen, /session_reused$/)} TLS sessions resumed\n`,
      );
      expect(seconds, name).toBeLessThan(LATEST);
      // Connections that end by the limit lose no HTTP request of a valid identity; of TCP they may.
      if (name === "http") expect(load.http.failed.length).toBe(others.length + 1);
      expect(answered(load[name]), `${name}: answers after the first failure`).toBe(answeredAtFirstFailure[name]);
      expect(sum(risen, /max_duration_reached$|max_downstream_connection_duration$/), name).toBeGreaterThan(0);
      expect(sum(risen, /15006\.ssl\.fail_verify_error$/), name).toBeGreaterThan(0);
    }
    await createTeleportResources(LIFE);
    await clientIsValid(true);
  }, 240_000);
});

/** The sum of the counters whose names match. */
function sum(all: Record<string, number>, name: RegExp): number {
  return Object.entries(all)
    .filter(([key]) => name.test(key))
    .reduce((total, [, value]) => total + value, 0);
}

describe("what a limit does to a valid identity", () => {
  it("a request in progress goes on over HTTP, and is cut over TCP", async () => {
    await limit(BOUNDED);
    const drip = (name: Server) => {
      const curl = `curl -s -o /dev/null -w '%{http_code} %{size_download}' '${urlOf(name, "/drip?duration=25&numbytes=25&delay=0")}'`;
      return tryShell(`kubectl -n test-app exec deploy/${CLIENT} -c ${CLIENT} -- ${curl}`);
    };
    const [http, tcp] = await Promise.all([drip("http"), drip("tcp")]);
    expect(http).toMatchObject({ code: 0, stdout: "200 25" });
    expect(tcp.code).not.toBe(0);
    expect(Number(tcp.stdout.split(" ")[1])).toBeLessThan(BOUND + DRAIN);
  }, 120_000);

  if (SOAK) {
    it("no request is lost, and what it costs", async () => {
      const measured: Record<"without" | "with", Throughput[]> = { without: [], with: [] };
      // In this order a machine that gets slower or faster meanwhile does so for both.
      for (const side of ["without", "with", "with", "without"] as const) {
        await limit(side === "with" ? BOUNDED : UNBOUNDED);
        const before = await counters(NAMESPACE, await server("http"));
        const one = await measureThroughput(urlOf("http", "/headers"), {
          workers: WORKERS,
          seconds: TURN_SECONDS,
        });
        const risen = rise(before, await counters(NAMESPACE, await server("http")));
        const ended = sum(risen, /downstream_cx_max_duration_reached$/);
        process.stderr.write(
          `${side} a limit of ${BOUND} s: ${one.requests} requests, ${one.failed} failed, ${one.perSecond}/s, p99 ${one.p99.toFixed(1)} ms, ${ended} connections ended\n`,
        );
        expect(ended > 0).toBe(side === "with");
        measured[side].push(one);
      }
      expect(measured.with.map(({ failed }) => failed)).toEqual(measured.with.map(() => 0));
    }, 300_000);
  }
});
