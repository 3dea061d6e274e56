/**
 * What a workload's identity costs, by who issues it: Teleport's double (tbot), istiod's own CA, and SPIRE (the real one).
 * The same client and server for each, side by side in one mesh, in rounds of one after the other. Needs the lab with SPIRE:
 * `LAB_SPIRE=1 npm run lab -- test --fresh 01-`, then `npm run bench:identity`; `-- --save` keeps the result.
 */
import { address, livePods, onePod } from "../lab/testkit/cluster/pods.ts";
import { shell, until } from "../lab/testkit/cluster/shell.ts";
import { Issuers } from "../lab/testkit/identity/issuers.ts";
import { counters, rise } from "../lab/testkit/traffic/envoy-counters.ts";
import { measureThroughput } from "../lab/testkit/traffic/throughput.ts";
import { labBenchmark } from "./support/lab-benchmark.ts";
import { cpuSecondsOf, pidsIn } from "./support/processes.ts";
import { makeResult, median, point } from "./support/result.ts";
import { firstCaller, keyOnTheWire, SOURCES, type Source, startSources } from "./support/sources.ts";

const STARTS = 8;
/**
 * The first rounds also send load, each with a new client and a new server: a pair of sidecars shares out its connections
 * among its threads in its own way, and keeps to it. With one server for all rounds a pair took a third less CPU than the
 * others throughout a run, and another one in the next.
 */
const LOADS = 5;
/** Of each turn of load. */
const SECONDS = 3;
const WORKERS = 8;
/** Requests a second, far below what the machine can: of latency and not of queues. */
const RATE = 200;
/** What × compares to. */
const REFERENCE = "istiod's CA";

/** What one source was measured to, one value a round. */
type Measured = Record<keyof typeof MEASURES | "requests" | "failed", number[]> & {
  /** What share of the new connections resumed a TLS session, by the server's Envoy, percent. */
  readonly resumed: number[];
};

const MEASURES = {
  start: { name: "pod created to first answer", unit: "s" },
  agent: { name: "of it, Istio's agent: started to ready", unit: "s" },
  perSecond: { name: `requests a second, ${WORKERS} at once`, unit: "" },
  cpu: { name: "CPU of both sidecars for 1,000 requests", unit: "s" },
  p50: { name: `p50 at ${RATE} requests a second`, unit: "ms" },
  p99: { name: `p99 at ${RATE} requests a second`, unit: "ms" },
  anewPerSecond: { name: "requests a second, each on a new connection", unit: "" },
  anewCpu: { name: "CPU of both sidecars for 1,000 of these", unit: "s" },
} as const;

async function newServer({ namespace }: Source): Promise<void> {
  await shell(`kubectl -n ${namespace} rollout restart deployment/server`);
  await shell(`kubectl -n ${namespace} rollout status deployment/server --timeout=120s`);
  await until("the server before is gone", 60, async () => (await livePods(namespace)).length === 1);
}

async function measureStart(source: Source, measured: Measured): Promise<void> {
  const { namespace } = source;
  const input = JSON.stringify(firstCaller(source));
  const created = Date.now() / 1000;
  await shell("kubectl create -f -", { input });
  const answered = await until(`${source.name}: the first answer`, 90, async () => {
    const printed = await shell(`kubectl -n ${namespace} logs first-caller -c first-caller`);
    return printed !== "" && Number(printed);
  });
  measured.start.push(answered - created);
  measured.agent.push(await agentSeconds(namespace));
}

/** How long Istio's agent took to be ready, by its own word. Envoy waits for its certificate meanwhile. */
async function agentSeconds(namespace: string): Promise<number> {
  const ip = address(await onePod(namespace, "app.kubernetes.io/name=first-caller"));
  const metrics = await shell(`curl -sf http://${ip}:15020/stats/prometheus`);
  const seconds = /^(?:istio_agent_)?startup_duration_seconds (\S+)$/m.exec(metrics)?.[1];
  if (seconds === undefined) throw new Error("Istio's agent does not say how long its start took");
  return Number(seconds);
}

async function measureLoad(source: Source, measured: Measured): Promise<void> {
  const { namespace } = source;
  const route = { namespace, client: "first-caller", host: `server.${namespace}.svc.cluster.local` };
  const sidecars = await Promise.all(
    ["first-caller", "server"].map((name) => pidsIn(namespace, `app.kubernetes.io/name=${name}`, "istio-proxy")),
  );
  const call = async (service: string, options: { workers: number; rate?: number }) => {
    const before = cpuSecondsOf(sidecars.flat());
    const throughput = await measureThroughput(`http://${service}/headers`, { ...options, seconds: SECONDS, route });
    measured.requests.push(throughput.requests);
    measured.failed.push(throughput.failed);
    const cpu = ((cpuSecondsOf(sidecars.flat()) - before) / throughput.requests) * 1000;
    return { ...throughput, cpu };
  };
  const closed = await call("server", { workers: WORKERS });
  measured.perSecond.push(closed.perSecond);
  measured.cpu.push(closed.cpu);
  const steady = await call("server", { workers: 4 * WORKERS, rate: RATE });
  measured.p50.push(steady.p50);
  measured.p99.push(steady.p99);
  const server = await onePod(namespace, "app.kubernetes.io/name=server");
  const before = await counters(namespace, server);
  const anew = await call("anew", { workers: WORKERS });
  const handshakes = rise(before, await counters(namespace, server));
  measured.resumed.push((100 * sum(handshakes, /session_reused$/)) / sum(handshakes, /ssl\.handshake$/));
  measured.anewPerSecond.push(anew.perSecond);
  measured.anewCpu.push(anew.cpu);
}

/** The sum of the counters whose names match. */
function sum(all: Record<string, number>, name: RegExp): number {
  return Object.entries(all).reduce((total, [key, value]) => (name.test(key) ? total + value : total), 0);
}

await labBenchmark(async () => {
  const all = SOURCES.map((source) => ({
    source,
    measured: Object.fromEntries(
      [...Object.keys(MEASURES), "resumed", "requests", "failed"].map((key) => [key, [] as number[]]),
    ) as Measured,
  }));
  const stop = await startSources();
  try {
    const issuers = await Issuers.read();
    const keys: string[] = [];
    for (const { source } of all) keys.push(`${source.name} ${await keyOnTheWire(source, issuers)}`);
    for (let round = 1; round <= STARTS; round++) {
      process.stderr.write(`round ${round} of ${STARTS}\n`);
      for (const { source, measured } of all) {
        if (round <= LOADS) await newServer(source);
        await measureStart(source, measured);
        if (round <= LOADS) await measureLoad(source, measured);
        await shell(`kubectl -n ${source.namespace} delete pod first-caller --grace-period=1 --wait`);
      }
    }
    const resumed = all.map(({ source, measured }) => `${source.name} ${Math.round(median(measured.resumed))} %`);
    const total = (of: "requests" | "failed") =>
      all.flatMap(({ measured }) => measured[of]).reduce((sum, amount) => sum + amount, 0);
    const reference = all.find(({ source }) => source.name === REFERENCE)?.measured;
    return makeResult({
      bench: "identity-source",
      title: "An identity from Teleport's double, from istiod's CA and from SPIRE",
      command: "npm run bench:identity -- --save",
      x: "identity from",
      series: Object.entries(MEASURES).map(([key, { name, unit }]) => ({
        name,
        unit,
        points: all.map(({ source, measured }) =>
          point(source.name, measured[key as keyof Measured], median(reference?.[key as keyof Measured] ?? [])),
        ),
      })),
      notes: [
        `Medians, least and most of ${STARTS} clients that start, ${LOADS} of which send load to a new server each, one source after the other in each round; × compares to istiod's CA. ${total("failed")} of ${total("requests")} requests failed.`,
        `Keys on the wire: ${keys.join(", ")}. Of the new connections so many resumed a TLS session: ${resumed.join(", ")}.`,
        "The data path holds Envoy and the kernel only: whoever issued a certificate has no part in a request. All programs of the lab, the load included, share the machine's cores.",
        "tbot and the Auth Service are the lab's double: its answers cost less than Teleport's. SPIRE's server and agent and Istio are the real ones, Envoy is Envoy's own build.",
      ],
    });
  } finally {
    await stop();
  }
});
