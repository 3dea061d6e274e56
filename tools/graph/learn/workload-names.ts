import { spiffeId } from "../../base/spiffe-id.ts";
import type { GraphService, MeshGraph } from "../mesh-graph.ts";
import { readSpiffeId, type SeenCall, type Workload } from "./calls.ts";

/** A workload with its place in the values: of the graph where it has one, else named by its ServiceAccount. */
export interface NamedWorkload {
  application: string;
  name: string;
  namespace: string;
  serviceAccount: string;
  /** Absent: the graph does not have it. */
  service?: GraphService;
}

/** Finds the place of workloads in the values. */
export interface WorkloadNames {
  /** Every workload with a place, applications and services in the order of their names. */
  all: NamedWorkload[];
  of(workload: Workload): NamedWorkload | undefined;
  ofPrincipal(principal: string): NamedWorkload | undefined;
}

/**
 * Gives a place to each workload of the graph, to each one that was called, and to callers that live in a namespace of
 * called workloads that is no application's yet. Other callers get none: naming them as a service would put a deny-all
 * on their namespace, that of an ingress gateway for example.
 *
 * @param trustDomains those of the mesh's own workloads
 */
export function workloadNames(
  calls: readonly SeenCall[],
  trustDomains: ReadonlySet<string>,
  graph?: MeshGraph,
): WorkloadNames {
  const named = new Map<string, NamedWorkload>();
  const applications = new Map(graph?.applications.map(({ namespace, name }) => [namespace, name]));
  const taken = new Set(applications.values());
  for (const service of graph?.applications.flatMap(({ services }) => services) ?? []) {
    const { application, name, namespace, serviceAccount } = service;
    named.set(keyOf(service), { application, name, namespace, serviceAccount, service });
    taken.add(`${application}/${name}`);
  }

  const called = new Map(calls.map(({ to }) => [keyOf(to), to]));
  const newNamespaces = new Set([...called.values()].map(({ namespace }) => namespace));
  for (const namespace of applications.keys()) newNamespaces.delete(namespace);
  const callers = calls.flatMap(({ from }) => {
    const workload = from === undefined ? undefined : readSpiffeId(spiffeId(from))?.workload;
    const isOwn = workload && trustDomains.has(workload.trustDomain) && newNamespaces.has(workload.namespace);
    return isOwn ? [workload] : [];
  });
  const unnamed = new Map([...called, ...callers.map((workload) => [keyOf(workload), workload] as const)]);
  // In the order of their keys, so that numbers in names do not depend on the order of the log.
  for (const [key, { namespace, serviceAccount }] of [...unnamed].toSorted(byKey)) {
    if (named.has(key)) continue;
    const application = applications.get(namespace) ?? free(label(namespace), taken);
    applications.set(namespace, application);
    taken.add(application);
    const name = free(`${application}/${label(serviceAccount)}`, taken).slice(application.length + 1);
    taken.add(`${application}/${name}`);
    named.set(key, { application, name, namespace, serviceAccount });
  }
  const order = ({ application, name }: NamedWorkload) => `${application}/${name}`;
  return {
    all: [...named.values()].toSorted((a, b) => (order(a) < order(b) ? -1 : 1)),
    of: (workload) => named.get(keyOf(workload)),
    ofPrincipal(principal) {
      const workload = readSpiffeId(spiffeId(principal))?.workload;
      return workload && trustDomains.has(workload.trustDomain) ? named.get(keyOf(workload)) : undefined;
    },
  };
}

function keyOf({ namespace, serviceAccount }: Workload): string {
  return `${namespace}/${serviceAccount}`;
}

function byKey([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : 1;
}

/** A name that the values take: a DNS label, and `default` is none, since the namespace's own policies have it. */
function label(name: string): string {
  const text = name.replaceAll(".", "-").slice(0, 60);
  return text === "default" ? "default-account" : text.replace(/-+$/, "");
}

/** `wanted`, or with the first number behind it that makes it free. */
function free(wanted: string, taken: ReadonlySet<string>): string {
  if (!taken.has(wanted)) return wanted;
  let number = 2;
  while (taken.has(`${wanted}-${number}`)) number += 1;
  return `${wanted}-${number}`;
}
