/**
 * What the policies of a graph cost istiod and a sidecar at 100, 1,000 and 3,000 services with 5 callers each, beside the
 * same services without policies: how long a change takes to every sidecar, CPU and memory. In turns, and each turn begins
 * with a new istiod and new sidecars. `npm run lab -- test --fresh 01-`, then `npm run bench:push`; `-- --save` keeps the result.
 */
import { containerPids } from "../lab/testkit/cluster/containers.ts";
import { createNamespace, deleteNamespace } from "../lab/testkit/cluster/namespaces.ts";
import { address, livePods, onePod } from "../lab/testkit/cluster/pods.ts";
import { rbacFilters } from "../lab/testkit/cluster/rbac-filters.ts";
import { shell, until } from "../lab/testkit/cluster/shell.ts";
import { labBenchmark } from "./support/lab-benchmark.ts";
import { compiledPolicies, create, deletePolicies, serviceEntries } from "./support/many-services.ts";
import { cpuSeconds, memoryMebibytes, pidOf, pidsIn } from "./support/processes.ts";
import { makeResult, median, point } from "./support/result.ts";

const SIZES = [100, 1000, 3000];
const ROUNDS = 2;
/** Changes of a service in each turn. */
const CHANGES = 6;
const NAMESPACE = "bench-push";
/** Pods of the service s0. With the test app's three, so many sidecars hear of each change. */
const PODS = 3;
const SIDECARS = PODS + 3;
const ISTIOD = ["istio-system", "app=istiod", "discovery"] as const;

const MEASURES = {
  convergence: { name: "a change of a service until a sidecar has it", unit: "ms" },
  cpu: { name: "istiod's CPU for it", unit: "ms" },
  heap: { name: "istiod's live heap", unit: "MiB" },
  resident: { name: "istiod's memory", unit: "MiB" },
  envoy: { name: "memory of a sidecar's Envoy", unit: "MiB" },
} as const;
type Measured = Record<keyof typeof MEASURES, number[]>;

const nothing = (): Measured => ({ convergence: [], cpu: [], heap: [], resident: [], envoy: [] });

const S0 = [
  { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "s0", namespace: NAMESPACE } },
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "s0", namespace: NAMESPACE },
    spec: {
      replicas: PODS,
      // All at once.
      strategy: { type: "Recreate" },
      selector: { matchLabels: { app: "s0" } },
      template: {
        metadata: { labels: { app: "s0" } },
        spec: {
          serviceAccountName: "s0",
          terminationGracePeriodSeconds: 1,
          containers: [{ name: "s0", image: "lab.local/pause:lab", imagePullPolicy: "Never" }],
        },
      },
    },
  },
  {
    apiVersion: "networking.istio.io/v1",
    kind: "ServiceEntry",
    metadata: { name: "changing", namespace: NAMESPACE },
    spec: changing(0),
  },
];

/** A service that has another port after each change: istiod makes everything anew for all sidecars. */
function changing(change: number): object {
  return {
    hosts: ["changing.example"],
    location: "MESH_INTERNAL",
    resolution: "STATIC",
    ports: [{ name: "tcp", number: 9000 + (change % 2), protocol: "TCP" }],
    endpoints: [{ address: "10.99.0.1" }],
  };
}

interface IstiodMetrics {
  /** Seconds of all changes until a sidecar had them, and how many these were. */
  readonly sum: number;
  readonly count: number;
  /** Sidecars that are connected. */
  readonly sidecars: number;
  readonly heapMebibytes: number;
}

async function istiodMetrics(): Promise<IstiodMetrics> {
  const page = await shell(`curl -sf http://${address(await onePod(ISTIOD[0], ISTIOD[1]))}:15014/metrics`);
  const value = (name: string) => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(page)?.[1] ?? 0);
  return {
    sum: value("pilot_proxy_convergence_time_sum"),
    count: value("pilot_proxy_convergence_time_count"),
    sidecars: Number(/^pilot_xds\{.*\} (\S+)$/m.exec(page)?.[1] ?? 0),
    // Go collects garbage when the heap has become twice what lived after the last time.
    heapMebibytes: value("go_memstats_next_gc_bytes") / 2 / 2 ** 20,
  };
}

/** A new istiod without a past, and new sidecars, which have what it knows. */
async function beginAnew(): Promise<void> {
  await shell(
    `kubectl -n istio-system rollout restart deployment/istiod && kubectl -n istio-system rollout status deployment/istiod --timeout=180s`,
  );
  await until("one istiod", 60, () => onePod(ISTIOD[0], ISTIOD[1]));
  await shell(
    `kubectl -n ${NAMESPACE} rollout restart deployment/s0 && kubectl -n ${NAMESPACE} rollout status deployment/s0 --timeout=180s`,
  );
  await until("only new pods", 60, async () => (await livePods(NAMESPACE)).length === PODS);
  await quiet();
}

/** Waits until istiod has had nothing to say to any sidecar for two seconds. */
async function quiet(): Promise<void> {
  let last = -1;
  let since = Date.now();
  await until("istiod is silent, with all sidecars connected", 90, async () => {
    const { count, sidecars } = await istiodMetrics();
    if (count !== last) since = Date.now();
    last = count;
    return sidecars === SIDECARS && Date.now() - since > 2000;
  });
}

async function measureTurn(measured: Measured): Promise<void> {
  await beginAnew();
  const istiod = pidOf("pilot-discovery", await pidsIn(...ISTIOD));
  for (let change = 1; change <= CHANGES; change++) {
    const before = { cpu: cpuSeconds(istiod), ...(await istiodMetrics()) };
    const patch = JSON.stringify({ spec: changing(change) });
    await shell(`kubectl -n ${NAMESPACE} patch serviceentry changing --type=merge -p '${patch}'`);
    const after = await until("every sidecar has the change", 60, async () => {
      const metrics = await istiodMetrics();
      return metrics.count >= before.count + SIDECARS && metrics;
    });
    measured.convergence.push(((after.sum - before.sum) / (after.count - before.count)) * 1000);
    measured.cpu.push((cpuSeconds(istiod) - before.cpu) * 1000);
  }
  measured.heap.push((await istiodMetrics()).heapMebibytes);
  measured.resident.push(memoryMebibytes(istiod).now);
  for (const { metadata } of await livePods(NAMESPACE)) {
    const pids = await containerPids(NAMESPACE, metadata.name, "istio-proxy");
    measured.envoy.push(memoryMebibytes(pidOf("envoy", pids)).now);
  }
}

const SIDES = ["without policies", "with policies"] as const;

await labBenchmark(async () => {
  await shell("kubectl -n test-app rollout status deployment --timeout=60s");
  const results: { size: number; measured: Record<(typeof SIDES)[number], Measured>; filterBytes: number }[] = [];
  try {
    await createNamespace(NAMESPACE, { meshed: true });
    await create(S0);
    let there = 0;
    for (const size of SIZES) {
      await create(serviceEntries(NAMESPACE, there, size));
      there = size;
      const policies = await compiledPolicies(NAMESPACE, size);
      const measured = { "without policies": nothing(), "with policies": nothing() };
      let filterBytes = 0;
      for (let round = 1; round <= ROUNDS; round++) {
        for (const side of SIDES) {
          process.stderr.write(`${size} services ${side}, round ${round} of ${ROUNDS}\n`);
          if (side === "with policies") await create(policies);
          await measureTurn(measured[side]);
          if (side === "with policies") {
            const [pod] = await livePods(NAMESPACE);
            filterBytes = (await rbacFilters(NAMESPACE, pod?.metadata.name ?? "")).bytes;
            await deletePolicies(NAMESPACE);
          }
        }
      }
      results.push({ size, measured, filterBytes });
    }
  } finally {
    await deleteNamespace(NAMESPACE);
  }

  return makeResult({
    bench: "istiod-push",
    title: "What the policies of a graph cost istiod and a sidecar",
    command: "npm run bench:push -- --save",
    x: "services",
    series: [
      ...Object.entries(MEASURES).flatMap(([key, { name, unit }]) =>
        SIDES.map((side) => ({
          name: `${name}, ${side}`,
          unit,
          points: results.map(({ size, measured }) => {
            const of = (which: (typeof SIDES)[number]) => measured[which][key as keyof Measured];
            const reference = side === "with policies" ? median(of("without policies")) : undefined;
            return point(size, of(side), reference);
          }),
        })),
      ),
      {
        name: "RBAC filters of a sidecar",
        unit: "B",
        points: results.map(({ size, filterBytes }) => ({ x: size, value: filterBytes })),
      },
    ],
    notes: [
      `Policies are what the chart makes of a graph in which each service has 5 callers. Services are ServiceEntries with one address and no pod; ${SIDECARS} sidecars hear of each change, ${PODS} of them in the services' namespace.`,
      `${ROUNDS} turns a side in the order without, with, without, with; ${CHANGES} changes each. × compares to the same services without policies.`,
      "A change is a service's new port, for which istiod makes everything anew. Its time is istiod's own pilot_proxy_convergence_time, which does not contain the 100 ms for which istiod first waits for further changes.",
      "Memory is resident memory after the changes. The live heap is half of Go's next goal for garbage collection.",
    ],
  });
});
