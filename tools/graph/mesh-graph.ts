import { byName } from "../base/by-name.ts";
import { principalOf } from "../base/spiffe-id.ts";
import type { Application, Caller, Gateway, Port, Values } from "../values/types.ts";

/** How the policies of an application work (mesh.applications.<application>.mode). */
export type Mode = NonNullable<Application["mode"]>;

/** The part of the chart's values that the graph comes from. */
export interface GraphValues {
  global: { teleport: Pick<Values["global"]["teleport"], "clusterName"> };
  mesh: Pick<Values["mesh"], "gateways" | "applications">;
}

/** A port of a service: `port` of the Kubernetes Service, `targetPort` of the container, which policies match on. */
export type GraphPort = Required<Port>;

export interface GraphService {
  application: string;
  name: string;
  namespace: string;
  /** The labels of its pods, the selector of its policy. */
  labels: Record<string, string>;
  serviceAccount: string;
  /** Its SPIFFE ID without `spiffe://`, as AuthorizationPolicies name it. */
  principal: string;
  /** In the order of the values; empty for a service that only calls. */
  ports: GraphPort[];
}

interface GraphGateway extends Gateway {
  name: string;
  principal: string;
}

export interface GraphApplication {
  name: string;
  namespace: string;
  mode: Mode;
  services: GraphService[];
}

/** Who calls. `label` is for people: `<application>/<service>`, `gateway <name>`, the principal itself, or `anyone`. */
export type GraphSource =
  | { kind: "service"; label: string; principal: string; service: GraphService }
  | { kind: "gateway"; label: string; principal: string; gateway: GraphGateway }
  | { kind: "principal"; label: string; principal: string }
  | { kind: "anyone"; label: "anyone"; principal?: undefined };

/** One caller of one service, as the values state it. */
export interface GraphEdge {
  from: GraphSource;
  to: GraphService;
  /** The ports it may use: all of the service, unless narrowed. */
  ports: GraphPort[];
  /** HTTP methods; absent: every method. */
  methods?: string[];
  /** Paths, exact or with one `*` at an end; absent: every path. */
  paths?: string[];
}

/** Who may call whom, everything resolved. Applications, services and gateways are in the order of their names. */
export interface MeshGraph {
  /** Teleport's cluster name, the trust domain of every principal. */
  clusterName: string;
  applications: GraphApplication[];
  gateways: GraphGateway[];
  /** In the order of the called services, each service's callers in the order of the values. */
  edges: GraphEdge[];
}

/**
 * The graph of the mesh that the values state in `mesh.applications` and `mesh.gateways`.
 *
 * @param values checked before, by `loadGraphValues`: a caller that names nothing is a defect here
 */
export function meshGraph(values: GraphValues): MeshGraph {
  const { clusterName } = values.global.teleport;
  const declared = byName(values.mesh.applications);
  const gateways = byName(values.mesh.gateways).map(([name, { namespace, serviceAccount }]) => ({
    name,
    namespace,
    serviceAccount,
    principal: principalOf(clusterName, namespace, serviceAccount),
  }));
  const applications = declared.map(([name, application]): GraphApplication => {
    const { namespace, mode = "enforce" } = application;
    const services = byName(application.services).map(([service, { labels, serviceAccount, ports = [] }]) => ({
      application: name,
      name: service,
      namespace,
      labels,
      serviceAccount,
      principal: principalOf(clusterName, namespace, serviceAccount),
      ports: ports.map(({ port, targetPort = port, protocol }) => ({ port, targetPort, protocol })),
    }));
    return { name, namespace, mode, services };
  });

  const gatewaysByName = new Map(gateways.map((gateway) => [gateway.name, gateway]));
  const servicesByLabel = new Map(
    applications.flatMap(({ services }) => services.map((service) => [labelOf(service), service])),
  );
  const source = (caller: Caller, application: string): GraphSource => {
    if (caller.service !== undefined) {
      const label = labelOf({ application: caller.application ?? application, name: caller.service });
      const service = known(servicesByLabel.get(label), label);
      return { kind: "service", label, principal: service.principal, service };
    }
    if (caller.gateway !== undefined) {
      const gateway = known(gatewaysByName.get(caller.gateway), caller.gateway);
      return { kind: "gateway", label: `gateway ${gateway.name}`, principal: gateway.principal, gateway };
    }
    if (caller.principal !== undefined) {
      return { kind: "principal", label: caller.principal, principal: caller.principal };
    }
    return { kind: "anyone", label: "anyone" };
  };
  const edges = declared.flatMap(([application, { services }]) =>
    byName(services).flatMap(([name, { callers = [] }]) => {
      const to = known(servicesByLabel.get(labelOf({ application, name })), name);
      return callers.map((caller): GraphEdge => {
        const { ports, methods, paths } = caller;
        return {
          from: source(caller, application),
          to,
          ports: ports === undefined ? to.ports : to.ports.filter(({ port }) => ports.includes(port)),
          ...(methods !== undefined && { methods }),
          ...(paths !== undefined && { paths }),
        };
      });
    }),
  );
  return { clusterName, applications, gateways, edges };
}

/** `<application>/<service>`: what a service is called where several applications are meant. */
export function labelOf({ application, name }: Pick<GraphService, "application" | "name">): string {
  return `${application}/${name}`;
}

function known<Value>(value: Value | undefined, name: string): Value {
  if (value === undefined) throw new Error(`a caller names ${name}, which the values do not have`);
  return value;
}
