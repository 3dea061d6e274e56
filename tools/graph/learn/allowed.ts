import type { GraphEdge, GraphPort, GraphService, MeshGraph } from "../mesh-graph.ts";
import type { SeenCall } from "./calls.ts";
import { matchesPath } from "./path-patterns.ts";

/** Answers which edge of a graph lets a call pass, whatever the modes of its applications are. */
export interface GraphJudge {
  /**
   * The edge that allows the call on one of these ports; undefined: the graph denies it. Of several, the one that names
   * the caller most exactly. What the source of the call does not tell (method, path) counts as allowed.
   */
  allowingEdge(call: SeenCall, to: GraphService, ports: readonly GraphPort[]): GraphEdge | undefined;
}

export function graphJudge({ edges }: MeshGraph): GraphJudge {
  const edgesTo = new Map<GraphService, GraphEdge[]>();
  for (const edge of edges) {
    const others = edgesTo.get(edge.to);
    if (others === undefined) edgesTo.set(edge.to, [edge]);
    else others.push(edge);
  }
  for (const list of edgesTo.values()) list.sort((a, b) => vagueness(a) - vagueness(b));
  return {
    allowingEdge: (call, to, ports) =>
      edgesTo
        .get(to)
        ?.find(
          (edge) =>
            namesCaller(edge, call.from) &&
            edge.ports.some(({ port }) => ports.some((candidate) => candidate.port === port)) &&
            (edge.methods === undefined || call.method === undefined || edge.methods.includes(call.method)) &&
            (edge.paths === undefined || call.path === undefined || someMatches(edge.paths, call.path)),
        ),
  };
}

function vagueness({ from }: GraphEdge): number {
  return from.kind === "anyone" ? 2 : from.principal.endsWith("*") ? 1 : 0;
}

function namesCaller({ from }: GraphEdge, caller: string | undefined): boolean {
  if (from.kind === "anyone") return true;
  if (caller === undefined) return false;
  return from.principal.endsWith("*") ? caller.startsWith(from.principal.slice(0, -1)) : from.principal === caller;
}

function someMatches(patterns: readonly string[], path: string): boolean {
  return patterns.some((pattern) => matchesPath(pattern, path));
}
