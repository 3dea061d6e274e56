import type { Application, Caller, Port, Service } from "../../values/types.ts";
import { type GraphEdge, type GraphPort, labelOf, type MeshGraph } from "../mesh-graph.ts";
import { graphJudge } from "./allowed.ts";
import { callerEntries, type ObservedUse } from "./caller-entries.ts";
import type { SeenCall, Workload } from "./calls.ts";
import { generalizedPath, isExpressible, isExpressibleMethod } from "./path-patterns.ts";
import { type NamedWorkload, workloadNames } from "./workload-names.ts";

/** How callers are narrowed; without, as the edge of the current graph that allows the call, if one does. */
export interface Narrowing {
  methods: boolean;
  paths: boolean;
  /** Identifiers in paths become `{*}`. */
  generalize: boolean;
}

/** What a reader shall know of an entry, as a comment beside it. */
type Remark = string;

export interface LearnedService {
  value: Service & { ports: Port[]; callers: Caller[] };
  /** Of the labels, of each port and of each caller, by index. */
  remarks: { labels?: Remark; ports: (Remark | undefined)[]; callers: (Remark | undefined)[] };
}

export interface LearnedApplication {
  value: Omit<Application, "services">;
  /** Whether the graph has it already. */
  isKnown: boolean;
  services: Map<string, LearnedService>;
}

export interface LearnedGraph {
  applications: Map<string, LearnedApplication>;
  /** Edges of the graph that no call used, among applications that were called. */
  unused: GraphEdge[];
  /** How many entries are in `applications`, and how many of them the graph denies. */
  callers: number;
  deniedCallers: number;
  /** What calls were left out for, since each rule for them would allow more. */
  inexpressible: {
    /** Paths, or methods, that no rule can name. */
    paths: Set<string>;
    methods: Set<string>;
    /** `application/service` of HTTP ports that were called without method and path, which were to be learned. */
    bareCalls: Set<string>;
  };
}

/**
 * The graph that the calls amount to: exactly who called whom, on which ports.
 *
 * @param calls to workloads of the graph's trust domain, where there is one
 * @param graph the current one; without, workloads are named by their SPIFFE IDs
 * @param labelsOf labels that select the workload's pods, where something better than a guess is known
 */
export function learnedGraph(
  calls: readonly SeenCall[],
  narrowing: Narrowing,
  graph: MeshGraph | undefined,
  labelsOf: (workload: Workload) => Record<string, string> | undefined,
): LearnedGraph {
  const trustDomains = new Set(graph ? [graph.clusterName] : calls.flatMap(({ to }) => to.trustDomain ?? []));
  const names = workloadNames(calls, trustDomains, graph);
  const gateways = new Map(graph?.gateways.map(({ principal, name }) => [principal, name]));
  const judge = graph && graphJudge(graph);
  const used = new Set<GraphEdge>();
  const inexpressible = { paths: new Set<string>(), methods: new Set<string>(), bareCalls: new Set<string>() };

  const callerOf = (from: string | undefined, to: NamedWorkload): Caller => {
    if (from === undefined) return { anyone: true };
    const gateway = gateways.get(from);
    if (gateway !== undefined) return { gateway };
    const workload = names.ofPrincipal(from);
    if (workload === undefined) return { principal: from };
    const { application, name } = workload;
    return { service: name, ...(application !== to.application && { application }) };
  };

  const usesOf = (to: NamedWorkload, received: readonly SeenCall[], ports: readonly GraphPort[]): ObservedUse[] =>
    received.flatMap((call) => {
      const onPorts = portsOf(call, ports);
      const edge = to.service && judge?.allowingEdge(call, to.service, onPorts);
      if (edge !== undefined) used.add(edge);
      const isHttp = onPorts.some(({ protocol }) => protocol !== "TCP");
      if ((narrowing.methods || narrowing.paths) && call.method === undefined && isHttp) {
        inexpressible.bareCalls.add(labelOf(to));
        return [];
      }
      if (narrowing.methods && call.method !== undefined && !isExpressibleMethod(call.method)) {
        inexpressible.methods.add(call.method);
        return [];
      }
      if (narrowing.paths && call.path !== undefined && !isExpressible(call.path)) {
        inexpressible.paths.add(call.path);
        return [];
      }
      const path = call.path !== undefined && narrowing.generalize ? generalizedPath(call.path) : call.path;
      const methods = narrowing.methods ? listOf(call.method) : edge?.methods;
      const paths = narrowing.paths ? listOf(path) : edge?.paths;
      return [
        {
          caller: callerOf(call.from, to),
          // A source that names no port cannot narrow what the graph says of them.
          ports: (call.port === undefined && edge ? edge.ports : onPorts).map(({ port }) => port),
          methods,
          paths,
          isAllowed: edge !== undefined,
          isDenied: judge !== undefined && edge === undefined,
          outcomes: call.outcomes,
        },
      ];
    });

  const receivedBy = new Map<NamedWorkload, SeenCall[]>();
  for (const call of calls) {
    const to = names.of(call.to);
    if (to === undefined) throw new Error(`${call.to.namespace}/${call.to.serviceAccount} was called and has no name`);
    const received = receivedBy.get(to);
    if (received === undefined) receivedBy.set(to, [call]);
    else received.push(call);
  }

  const calledApplications = new Set([...receivedBy.keys()].map(({ application }) => application));
  const applications = new Map<string, LearnedApplication>();
  let callers = 0;
  let deniedCallers = 0;
  for (const workload of names.all.filter(({ application }) => calledApplications.has(application))) {
    const { application, name, namespace, serviceAccount, service } = workload;
    let learned = applications.get(application);
    if (learned === undefined) {
      const isKnown = graph?.applications.some((known) => known.name === application) ?? false;
      learned = { value: { namespace, ...(!isKnown && { mode: "dryRun" as const }) }, isKnown, services: new Map() };
      applications.set(application, learned);
    }
    const received = receivedBy.get(workload) ?? [];
    const ports = allPorts(service?.ports ?? [], received);
    const order = graph?.edges.filter(({ to }) => to === service).map(({ from }) => from.label) ?? [];
    const entries = callerEntries(usesOf(workload, received, ports), ports).toSorted(
      (a, b) => rank(a.value, application, order) - rank(b.value, application, order),
    );
    callers += entries.length;
    deniedCallers += entries.filter(({ isDenied }) => isDenied).length;
    const labels = service?.labels ?? labelsOf(workload);
    learned.services.set(name, {
      value: {
        labels: labels ?? { app: serviceAccount },
        serviceAccount,
        ports: ports.map(({ port, targetPort, protocol }) => ({
          port,
          ...(targetPort !== port && { targetPort }),
          protocol,
        })),
        callers: entries.map(({ value }) => value),
      },
      remarks: {
        ...(labels === undefined && { labels: "guessed: set the labels of its pods" }),
        ports: ports.map((port) =>
          service?.ports.includes(port) ? undefined : "the container's; set port to that of its Service",
        ),
        callers: entries.map(({ remark }) => remark),
      },
    });
  }
  const unused = graph?.edges.filter((edge) => calledApplications.has(edge.to.application) && !used.has(edge)) ?? [];
  return { applications, unused, callers, deniedCallers, inexpressible };
}

/** The ports of the graph, then those of containers that only the calls show. */
function allPorts(known: readonly GraphPort[], calls: readonly SeenCall[]): GraphPort[] {
  const ports = [...known];
  const numbers = new Set(calls.flatMap(({ port }) => port ?? []));
  for (const targetPort of [...numbers].toSorted((a, b) => a - b)) {
    if (ports.some((port) => port.targetPort === targetPort)) continue;
    let port = targetPort;
    while (ports.some((other) => other.port === port)) port += 1;
    const isHttp = calls.some((call) => call.port === targetPort && call.protocol === "HTTP");
    ports.push({ port, targetPort, protocol: isHttp ? "HTTP" : "TCP" });
  }
  return ports;
}

/** The ports that a call may have been on: one, or each of its kind when the source names none. */
function portsOf(call: SeenCall, ports: readonly GraphPort[]): GraphPort[] {
  if (call.port !== undefined) return ports.filter(({ targetPort }) => targetPort === call.port);
  const ofItsKind = ports.filter(({ protocol }) => (protocol === "TCP") === (call.protocol === "TCP"));
  return ofItsKind.length > 0 ? ofItsKind : [...ports];
}

function listOf(value: string | undefined): string[] | undefined {
  return value === undefined ? undefined : [value];
}

/** Callers of the graph keep its order; new ones follow in the order in which callerEntries has them. */
function rank({ service, application, gateway, principal }: Caller, of: string, order: readonly string[]): number {
  const label =
    service !== undefined
      ? `${application ?? of}/${service}`
      : gateway !== undefined
        ? `gateway ${gateway}`
        : (principal ?? "anyone");
  const index = order.indexOf(label);
  return index < 0 ? order.length : index;
}
