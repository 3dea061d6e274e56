import type { Mode } from "./mesh-graph.ts";
import { type GraphEdge, type GraphPort, type GraphService, type GraphSource, labelOf } from "./mesh-graph.ts";

/** One caller on one port of one service: a row of the table of permissions. */
export interface Permission {
  from: GraphSource;
  to: GraphService;
  port: GraphPort;
  /** HTTP methods; absent: every method, or a port without HTTP. */
  methods?: string[];
  /** Paths; absent: every path, or a port without HTTP. */
  paths?: string[];
}

/** The edges, one permission for each port. */
export function permissionsOf(edges: readonly GraphEdge[]): Permission[] {
  return edges.flatMap(({ ports, ...edge }) => ports.map((port) => ({ ...edge, port })));
}

/** What a mode makes of the permissions that the graph states, as the end of "<namespace> is in mode <mode>: ". */
export const EFFECT: Readonly<Record<Mode, string>> = {
  enforce: "only these calls pass",
  dryRun: "every workload of the mesh may call; what is not listed is logged",
  denyAll: "no call passes, listed or not",
  off: "no policies; every workload of the mesh may call",
};

/** Source as read within one application: its own services by their names alone. */
export function sourceName(from: GraphSource, application: string): string {
  return from.kind === "service" ? serviceName(from.service, application) : from.label;
}

/** Service as read within one application. */
export function serviceName(service: GraphService, application: string): string {
  return service.application === application ? service.name : labelOf(service);
}

/** `80 HTTP`, or with the container's port where it is another one, `80→8080 HTTP`. */
export function portText({ port, targetPort, protocol }: GraphPort): string {
  return port === targetPort ? `${port} ${protocol}` : `${port}→${targetPort} ${protocol}`;
}

/** Methods and paths of an edge in words, `GET, POST /cart/*`; empty when it has neither. */
export function narrowingText({ methods = [], paths = [] }: Pick<Permission, "methods" | "paths">): string {
  return [methods.join(", "), paths.join(", ")].filter((text) => text !== "").join(" ");
}
