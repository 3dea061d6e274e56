import { byName } from "../base/by-name.ts";
import { meshApplications } from "../graph/mesh-applications.ts";
import type { Application, Caller, Port, Service, Values } from "./types.ts";

/**
 * What is wrong with the graphs of the mesh, in the words of chart/templates/checks-graph.yaml: one sentence for each
 * value that is refused. The time grows with the graph and not with its square.
 */
export function* graphProblems(values: Values): Generator<string> {
  const { mesh, sockShop } = values;
  const applications = meshApplications(values);
  if (sockShop.enabled && Object.hasOwn(mesh.applications, "sock-shop")) {
    yield "mesh.applications.sock-shop has the name of Sock Shop's own graph: rename it, or set sockShop.enabled to false.";
  }
  if (!mesh.enabled) yield* modeProblems(values, applications);
  yield* namespaceProblems(values, applications);
  for (const [name, application] of byName(applications)) {
    // The rest of Sock Shop's graph is not the user's.
    const pathOf = (service: string) =>
      isSockShop(name, values) ? "sockShop.frontEnd" : `mesh.applications.${name}.services.${service}`;
    yield* selectionProblems(application, pathOf);
    for (const [serviceName, service] of byName(application.services)) {
      const path = pathOf(serviceName);
      yield* portProblems(service, path);
      yield* callerProblems({ values, applications, application: name, service, path });
    }
  }
}

function isSockShop(application: string, { sockShop }: Values): boolean {
  return sockShop.enabled && application === "sock-shop";
}

/** Modes that promise policies, while none is rendered. */
function* modeProblems(values: Values, applications: Record<string, Application>): Generator<string> {
  for (const [name, { mode = "enforce" }] of byName(applications)) {
    if (mode === "off") continue;
    const [path, none] = isSockShop(name, values)
      ? ["sockShop.policies", "none"]
      : [`mesh.applications.${name}.mode`, "off"];
    yield `${path} is ${mode} while mesh.enabled is false, with which no policy is rendered: set mesh.enabled to true, or ${path} to "${none}".`;
  }
}

/** Namespaces that would get two deny-alls, or one where something else must go on. */
function* namespaceProblems(values: Values, applications: Record<string, Application>): Generator<string> {
  const { mesh, testApp, tbot } = values;
  const ofNamespace = new Map<string, string>();
  for (const [name, { namespace }] of byName(applications)) {
    const path = isSockShop(name, values) ? "sockShop.namespace.name" : `mesh.applications.${name}.namespace`;
    if ([tbot.namespace.name, mesh.rootNamespace].includes(namespace)) {
      yield `${path} is ${namespace}, the namespace of tbot or of Istio: give the application one of its own.`;
    }
    if (testApp.enabled && namespace === testApp.namespace.name) {
      yield `${path} is ${namespace}, the namespace of the test app: give the application one of its own.`;
    }
    const before = ofNamespace.get(namespace);
    if (before !== undefined) {
      yield `${path} is ${namespace}, the namespace of application ${before}: give each application one of its own.`;
    }
    ofNamespace.set(namespace, name);
  }
  for (const [name, { namespace }] of byName(mesh.gateways)) {
    const application = ofNamespace.get(namespace);
    if (application !== undefined) {
      yield `mesh.gateways.${name}.namespace is ${namespace}, the namespace of application ${application}, whose policies would refuse what comes to the gateway: run it in another one, or make it a service of the application.`;
    }
  }
}

/** Services that share an identity, or whose selectors can meet in one pod. */
function* selectionProblems({ services }: Application, pathOf: (service: string) => string): Generator<string> {
  const ofServiceAccount = new Map<string, string>();
  const withLabel = new Map<string, string[]>();
  for (const [name, { serviceAccount, labels }] of byName(services)) {
    const before = ofServiceAccount.get(serviceAccount);
    if (before !== undefined) {
      yield `${pathOf(name)}.serviceAccount is ${serviceAccount}, which service ${before} has: give each service a ServiceAccount of its own, for it is its identity.`;
    }
    ofServiceAccount.set(serviceAccount, name);
    for (const label of pairs(labels)) {
      const sharing = withLabel.get(label) ?? [];
      sharing.push(name);
      withLabel.set(label, sharing);
    }
  }
  for (const [name, { labels }] of byName(services)) {
    // Only a service with the rarest of these labels can have them all.
    const [candidates = []] = pairs(labels)
      .map((label) => withLabel.get(label) ?? [])
      .toSorted((a, b) => a.length - b.length);
    const selected = candidates.find((other) => {
      const theirs = services[other]?.labels ?? {};
      // Equal selectors are one mistake, told at the first of the two.
      const told = other <= name && Object.keys(theirs).length === Object.keys(labels).length;
      return !told && Object.entries(labels).every(([key, value]) => theirs[key] === value);
    });
    if (selected !== undefined) {
      yield `${pathOf(name)}.labels select the pods of service ${selected}, too, which would get both policies: add a label that only this service's pods have.`;
    }
  }
}

function pairs(labels: Record<string, string>): string[] {
  return Object.entries(labels).map(([key, value]) => `${key}=${value}`);
}

function* portProblems({ ports = [], callers = [] }: Service, path: string): Generator<string> {
  const indexOfPort = new Map<number, number>();
  const indexOfTarget = new Map<number, number>();
  for (const [index, { port, targetPort = port }] of ports.entries()) {
    if (indexOfPort.has(port)) {
      yield `${path}.ports[${index}].port is ${port}, which ports[${indexOfPort.get(port)}] has: list each port once.`;
    } else if (indexOfTarget.has(targetPort)) {
      yield `${path}.ports[${index}] is container port ${targetPort}, which ports[${indexOfTarget.get(targetPort)}] is: policies match on container ports and cannot tell the two apart; keep one of them.`;
    }
    indexOfPort.set(port, index);
    indexOfTarget.set(targetPort, index);
  }
  if (callers.length > 0 && ports.length === 0) {
    yield `${path}.callers is set, but the service has no ports: list in ${path}.ports what may be called.`;
  }
}

/** A called service, where it stands, and what its callers can name. */
interface CalledService {
  values: Values;
  applications: Record<string, Application>;
  /** Name of the service's application. */
  application: string;
  service: Service;
  /** `mesh.applications.shop.services.web` */
  path: string;
}

const POINTER = "cluster.local/";
const KINDS = ["service", "gateway", "principal", "anyone"] as const;

function* callerProblems(called: CalledService): Generator<string> {
  const { service, path } = called;
  const indexOfEdge = new Map<string, number>();
  for (const [index, caller] of (service.callers ?? []).entries()) {
    const problems = [
      ...nameProblems(caller, called, `${path}.callers[${index}]`),
      ...narrowingProblems(caller, called, `${path}.callers[${index}]`),
    ];
    yield* problems;
    if (problems.length > 0) continue;
    const edge = JSON.stringify([principalOf(caller, called), reach(caller, service), caller.methods, caller.paths]);
    if (indexOfEdge.has(edge)) {
      yield `${path}.callers[${index}] allows what callers[${indexOfEdge.get(edge)}] allows: remove one of them.`;
    }
    indexOfEdge.set(edge, index);
  }
}

function* nameProblems(
  caller: Caller,
  { values, applications, ...called }: CalledService,
  path: string,
): Generator<string, void> {
  const kinds = KINDS.filter((kind) => caller[kind] !== undefined);
  if (kinds.length > 1) return yield `${path} sets ${kinds.join(" and ")} at once: make one entry of each.`;
  if (kinds.length === 0) return yield `${path} names nobody: set one of service, gateway, principal and anyone.`;
  const { application = called.application, service, gateway, principal } = caller;
  if (caller.application !== undefined && service === undefined) {
    yield `${path}.application is set without service: name a service of that application, or remove it.`;
  } else if (!Object.hasOwn(applications, application)) {
    yield `${path}.application is ${JSON.stringify(application)}, which is not in mesh.applications: add it, or name one that is.`;
  } else if (service !== undefined && !Object.hasOwn(applications[application]?.services ?? {}, service)) {
    yield `${path}.service is ${JSON.stringify(service)}, which is no service of application ${application}: add it, or name one that is.`;
  }
  if (gateway !== undefined && !Object.hasOwn(values.mesh.gateways, gateway)) {
    yield `${path}.gateway is ${JSON.stringify(gateway)}, which is not in mesh.gateways: add it, or name one that is.`;
  }
  if (principal?.startsWith("spiffe://")) {
    yield `${path}.principal is ${JSON.stringify(principal)}: leave spiffe:// out, for policies name only the rest.`;
  } else if (principal !== undefined && !/^[a-z0-9._-]+(\/[A-Za-z0-9._-]+)*\/([A-Za-z0-9._-]+|\*)$/.test(principal)) {
    yield `${path}.principal is ${JSON.stringify(principal)}, which is no SPIFFE ID without spiffe://: write it like example.teleport.sh/ns/shop/sa/web; only the last part may be *.`;
  }
  const { clusterName } = values.global.teleport;
  // Istio pilot/pkg/security/trustdomain/bundle.go: the name is a pointer, whatever the trust domain is called.
  if (principal?.startsWith(POINTER) && clusterName !== "cluster.local") {
    yield `${path}.principal is ${JSON.stringify(principal)}, in which Istio takes cluster.local for the mesh's own trust domain: write ${clusterName}/${principal.slice(POINTER.length)}, or remove it.`;
  }
}

function* narrowingProblems(
  caller: Caller,
  { values, service, path: servicePath }: CalledService,
  path: string,
): Generator<string, void> {
  const { ports = [], methods, paths } = caller;
  const known = new Set(service.ports?.map(({ port }) => port));
  for (const port of ports.filter((named) => !known.has(named))) {
    yield `${path}.ports has ${port}, which is no port of the service: name a port that ${servicePath}.ports lists.`;
  }
  const tcp = reach(caller, service).find(({ protocol }) => protocol === "TCP");
  if (tcp && (methods || paths)) {
    yield `${path} has methods or paths, but may use port ${tcp.port}, which is TCP and has neither: list the other ports in ${path}.ports, or remove them.`;
  }
  if (paths && values.istio.pathNormalization === "NONE") {
    yield `${path}.paths is set while istio.pathNormalization is NONE, with which /public/../admin passes for /public/*: set it to MERGE_SLASHES, or remove the paths.`;
  }
}

/** The ports of a service that a caller may use. */
function reach({ ports: narrowed }: Caller, { ports = [] }: Service): Port[] {
  return narrowed === undefined ? ports : ports.filter(({ port }) => narrowed.includes(port));
}

/** The principal of a caller that names somebody known; undefined for anyone. */
function principalOf(caller: Caller, { values, applications, ...called }: CalledService): string | undefined {
  const principal = (namespace?: string, serviceAccount?: string) =>
    `${values.global.teleport.clusterName}/ns/${namespace}/sa/${serviceAccount}`;
  if (caller.service !== undefined) {
    const application = applications[caller.application ?? called.application];
    return principal(application?.namespace, application?.services[caller.service]?.serviceAccount);
  }
  if (caller.gateway === undefined) return caller.principal;
  const gateway = values.mesh.gateways[caller.gateway];
  return principal(gateway?.namespace, gateway?.serviceAccount);
}
