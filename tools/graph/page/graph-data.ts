import { printable } from "../../base/printable.ts";
import { labelOf, type MeshGraph, type Mode } from "../mesh-graph.ts";
import { edgeLabel, type NodeKind, nodeId, pictureNodes, serviceId } from "../views/picture-nodes.ts";

/**
 * The graph as the page's script reads it. Lists, not objects by name: a service called `__proto__` is like any other.
 */
export interface GraphData {
  applications: PageApplication[];
  nodes: PageNode[];
  edges: PageEdge[];
}

interface PageApplication {
  name: string;
  namespace: string;
  mode: Mode;
}

export interface PageNode {
  kind: NodeKind;
  /** `<application>/<service>`, or what else the caller is called. */
  label: string;
  /** As written in the picture: without its application. */
  name: string;
  /** Ports and service account. */
  details: string[];
  /** Index of its application; absent for callers from outside. */
  application?: number;
  /** Its SPIFFE ID without `spiffe://`; absent for anyone. */
  principal?: string;
}

/** Indices of the caller and of the called service, and what the arrow says; nothing for an arrow for all. */
export type PageEdge = [from: number, to: number, label?: string];

/** Nodes are in the order of `pictureNodes`, edges in that of the graph. Texts are as the page shows them. */
export function graphData(graph: MeshGraph): GraphData {
  const nodes = pictureNodes(graph);
  const index = new Map(nodes.map(({ id }, position) => [id, position]));
  const applicationIndex = new Map(graph.applications.map(({ name }, position) => [name, position]));
  const known = new Map<string, { label: string; principal?: string | undefined }>([
    ...graph.edges.map(({ from }) => [nodeId(from), from] as const),
    ...graph.applications.flatMap(({ services }) =>
      services.map((service) => [serviceId(service), { ...service, label: labelOf(service) }] as const),
    ),
  ]);
  return {
    applications: graph.applications.map(({ name, namespace, mode }) => ({
      name: printable(name),
      namespace: printable(namespace),
      mode,
    })),
    nodes: nodes.map(({ id, kind, application, lines: [name, ...details] }): PageNode => {
      const { label = name, principal } = known.get(id) ?? {};
      const position = application === undefined ? undefined : applicationIndex.get(application);
      return {
        kind,
        label: printable(label),
        name: printable(name),
        details: details.map(printable),
        ...(position !== undefined && { application: position }),
        ...(principal !== undefined && { principal: printable(principal) }),
      };
    }),
    edges: graph.edges.map((edge): PageEdge => {
      const [from, to] = [index.get(nodeId(edge.from)) ?? 0, index.get(serviceId(edge.to)) ?? 0];
      const label = edgeLabel(edge);
      return label === "" ? [from, to] : [from, to, printable(label)];
    }),
  };
}
