import { spiffeId } from "../../base/spiffe-id.ts";
import { type GraphEdge, type GraphService, type GraphSource, labelOf, type MeshGraph } from "../mesh-graph.ts";
import { narrowingText, portText } from "../permissions.ts";

/** What a node of a picture stands for, and so its shape and colour. */
export type NodeKind = "service" | "entry" | "database" | "gateway" | "principal" | "anyone";

/** A service or a caller as a picture shows it. */
export interface PictureNode {
  /** Unique among the nodes of a graph. */
  id: string;
  kind: NodeKind;
  /** The application that it is drawn in; absent for callers from outside the graph's applications. */
  application?: string;
  /** The name, then details. */
  lines: [name: string, ...details: string[]];
  /** SPIFFE ID and what selects it. */
  tooltip: string;
}

/** Callers from outside first, then the services of each application. */
export function pictureNodes({ applications, edges }: MeshGraph): PictureNode[] {
  const drawn = new Set(applications.map(({ name }) => name));
  const outside = new Map<string, PictureNode>();
  const entries = new Set<GraphService>();
  for (const { from, to } of edges) {
    if (from.kind === "anyone" || from.kind === "gateway") entries.add(to);
    if (from.kind !== "service" || !drawn.has(from.service.application)) outside.set(nodeId(from), outsideNode(from));
  }
  const services = applications.flatMap(({ services }) =>
    services.map((service): PictureNode => {
      const kind = isDatabase(service) ? "database" : "service";
      return {
        id: serviceId(service),
        kind: entries.has(service) ? "entry" : kind,
        application: service.application,
        lines: [service.name, ...service.ports.map(portText), `sa ${service.serviceAccount}`],
        tooltip: `${spiffeId(service.principal)}, pods with ${labelText(service.labels)}`,
      };
    }),
  );
  return [...outside.values(), ...services];
}

function outsideNode(from: GraphSource): PictureNode {
  const id = nodeId(from);
  switch (from.kind) {
    case "anyone":
      return { id, kind: "anyone", lines: ["anyone"], tooltip: "every caller, also without an identity" };
    case "gateway": {
      const { name, namespace, serviceAccount } = from.gateway;
      const lines = [name, `ns ${namespace}`, `sa ${serviceAccount}`] as [string, ...string[]];
      return { id, kind: "gateway", lines, tooltip: spiffeId(from.principal) };
    }
    case "principal":
      return { id, kind: "principal", lines: [from.label], tooltip: spiffeId(from.principal) };
    case "service": {
      const lines = [from.label, `sa ${from.service.serviceAccount}`] as [string, ...string[]];
      return { id, kind: "principal", lines, tooltip: spiffeId(from.principal) };
    }
  }
}

/** The id of the node that an edge starts at. */
export function nodeId(from: GraphSource): string {
  return from.kind === "service" ? serviceId(from.service) : `${from.kind} ${from.label}`;
}

/** The id of a service's node. */
export function serviceId(service: GraphService): string {
  return `service ${labelOf(service)}`;
}

/** What an arrow says: the ports where it is for some of them only, methods and paths; empty for an arrow for all. */
export function edgeLabel({ ports, to, ...edge }: GraphEdge): string {
  const onPorts = ports.length < to.ports.length ? ports.map(({ port }) => port).join(", ") : "";
  return [onPorts, narrowingText(edge)].filter((text) => text !== "").join(" ");
}

/** The whole edge in words: `front-end → orders: 80 HTTP, GET /orders*`. */
export function edgeSentence(edge: GraphEdge): string {
  const narrowing = narrowingText(edge);
  const ports = edge.ports.map(portText).join(", ");
  return `${edge.from.label} → ${labelOf(edge.to)}: ${ports}${narrowing === "" ? "" : `, ${narrowing}`}`;
}

/** Whether a service has ports, and none of them speaks HTTP: databases and queues. */
function isDatabase({ ports }: GraphService): boolean {
  return ports.length > 0 && ports.every(({ protocol }) => protocol === "TCP");
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .join(", ");
}
