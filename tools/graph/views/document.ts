import type { GraphDiff, PermissionChange } from "../diff.ts";
import {
  type GraphApplication,
  type GraphEdge,
  type GraphService,
  type GraphSource,
  labelOf,
  type MeshGraph,
} from "../mesh-graph.ts";
import type { Permission } from "../permissions.ts";

/**
 * The graph as JSON, for other programs (docs/operate/policies.md describes it). `methods` and `paths` are absent where an edge
 * has no such limit.
 */
export function graphDocument(graph: MeshGraph): string {
  return `${JSON.stringify(graphJson(graph), null, 2)}\n`;
}

/** A graph as JSON has it: services without what their application says, and edges by labels. */
export interface GraphJson {
  clusterName: string;
  gateways: MeshGraph["gateways"];
  applications: (Omit<GraphApplication, "services"> & {
    services: Omit<GraphService, "application" | "namespace">[];
  })[];
  edges: (Omit<GraphEdge, "from" | "to"> & { from: SourceJson; to: ServiceJson })[];
}

interface SourceJson {
  kind: GraphSource["kind"];
  label: string;
  principal?: string;
}

interface ServiceJson {
  label: string;
  application: string;
  service: string;
}

/** The same as an object. */
export function graphJson({ clusterName, gateways, applications, edges }: MeshGraph): GraphJson {
  return {
    clusterName,
    gateways,
    applications: applications.map(({ services, ...application }) => ({
      ...application,
      services: services.map(({ name, labels, serviceAccount, principal, ports }) => ({
        name,
        labels,
        serviceAccount,
        principal,
        ports,
      })),
    })),
    edges: edges.map(({ from, to, ...edge }) => ({ from: sourceJson(from), to: serviceJson(to), ...edge })),
  };
}

/** The difference of two graphs as JSON. */
export function diffDocument({ gained, lost, ...diff }: GraphDiff): string {
  const change = ({ permission, rest }: PermissionChange) => ({
    ...permissionJson(permission),
    rest: rest.map(permissionJson),
  });
  return `${JSON.stringify({ ...diff, gained: gained.map(change), lost: lost.map(change) }, null, 2)}\n`;
}

function permissionJson({ from, to, ...permission }: Permission): object {
  return { from: sourceJson(from), to: serviceJson(to), ...permission };
}

function serviceJson(service: GraphService): ServiceJson {
  return { label: labelOf(service), application: service.application, service: service.name };
}

/** `anyone` has no principal. */
function sourceJson({ kind, label, principal }: GraphSource): SourceJson {
  return { kind, label, ...(principal !== undefined && { principal }) };
}
