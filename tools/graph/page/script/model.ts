import type { GraphData, PageEdge, PageNode } from "../graph-data.ts";

/** The graph with the edges of each node, and how they are filtered. Pure: tests run it without a browser. */
export interface Model extends GraphData {
  /** By node: indices of the edges that come in, and of those that go out. */
  incoming: number[][];
  outgoing: number[][];
}

export function modelOf(data: GraphData): Model {
  const incoming: number[][] = data.nodes.map(() => []);
  const outgoing: number[][] = data.nodes.map(() => []);
  data.edges.forEach(([from, to], index) => {
    outgoing[from]?.push(index);
    incoming[to]?.push(index);
  });
  return { ...data, incoming, outgoing };
}

/** What the reader has chosen; an empty text is every one. */
export interface Filters {
  /** Name of an application: calls to it or from it. */
  application: string;
  /** Mode of the called application. */
  mode: string;
  /** Who calls. */
  caller: "" | "service" | "gateway" | "principal" | "anyone";
  /** A part of the caller's principal. */
  principal: string;
}

export const NO_FILTERS: Filters = { application: "", mode: "", caller: "", principal: "" };

export function isFiltered(filters: Filters): boolean {
  return Object.values(filters).some((value) => value !== "");
}

/** Which edges and nodes the filters leave. A service that nobody may call is left as long as callers are not asked for. */
export interface Visible {
  edges: boolean[];
  nodes: boolean[];
  edgeCount: number;
  nodeCount: number;
}

export function visibleOf(model: Model, filters: Filters): Visible {
  const edges = model.edges.map((edge) => passes(model, edge, filters));
  const nodes = model.nodes.map((node) => node.application !== undefined && isolated(model, node, filters));
  model.edges.forEach(([from, to], index) => {
    if (edges[index] !== true) return;
    nodes[from] = true;
    nodes[to] = true;
  });
  return { edges, nodes, edgeCount: edges.filter(Boolean).length, nodeCount: nodes.filter(Boolean).length };
}

function passes({ nodes, applications }: Model, [from, to]: PageEdge, filters: Filters): boolean {
  const [caller, called] = [nodes[from], nodes[to]];
  if (caller === undefined || called === undefined) return false;
  const nameOf = (node: PageNode) => (node.application === undefined ? "" : applications[node.application]?.name);
  const mode = called.application === undefined ? "" : applications[called.application]?.mode;
  return (
    (filters.application === "" || nameOf(caller) === filters.application || nameOf(called) === filters.application) &&
    (filters.mode === "" || mode === filters.mode) &&
    (filters.caller === "" || callerKind(caller) === filters.caller) &&
    (filters.principal === "" ||
      (caller.principal ?? "anyone").toLowerCase().includes(filters.principal.trim().toLowerCase()))
  );
}

/** Whether a service stays in the picture by itself. */
function isolated({ applications }: Model, { application }: PageNode, filters: Filters): boolean {
  const own = application === undefined ? undefined : applications[application];
  return (
    filters.caller === "" &&
    filters.principal === "" &&
    (filters.application === "" || own?.name === filters.application) &&
    (filters.mode === "" || own?.mode === filters.mode)
  );
}

/** What a caller counts as in the filter of that name. */
function callerKind({ kind, application }: PageNode): Filters["caller"] {
  if (application !== undefined) return "service";
  return kind === "gateway" || kind === "anyone" ? kind : "principal";
}

/** Nodes around one, by their distance: negative for those that call it, positive for those that it calls. */
export function neighbourhood(model: Model, visible: Visible, centre: number, depth: number): Map<number, number> {
  const distances = new Map([[centre, 0]]);
  let [callers, called] = [[centre], [centre]];
  for (let distance = 1; distance <= depth; distance++) {
    // Both sides in turn, so that a node stands where it is nearest.
    callers = reached(callers, (node) => model.incoming[node], 0, -distance);
    called = reached(called, (node) => model.outgoing[node], 1, distance);
  }
  return distances;

  function reached(
    from: readonly number[],
    edgesOf: (node: number) => number[] | undefined,
    end: 0 | 1,
    distance: number,
  ): number[] {
    const next: number[] = [];
    for (const node of from) {
      for (const edge of edgesOf(node) ?? []) {
        const other = visible.edges[edge] === true ? model.edges[edge]?.[end] : undefined;
        if (other === undefined || distances.has(other)) continue;
        distances.set(other, distance);
        next.push(other);
      }
    }
    return next;
  }
}

/** Nodes whose label or principal has all words of the query, those whose name begins with it first; at most `limit`. */
export function found(model: Model, query: string, limit: number): number[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const [first = ""] = words;
  if (first === "") return [];
  const hits = model.nodes.flatMap((node, index) => {
    const [label, name] = [node.label.toLowerCase(), node.name.toLowerCase()];
    const text = `${label} ${node.principal ?? ""}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) return [];
    const rank = name === first ? 0 : name.startsWith(first) ? 1 : label.includes(first) ? 2 : 3;
    return [{ index, rank }];
  });
  return hits
    .toSorted((a, b) => a.rank - b.rank)
    .slice(0, limit)
    .map(({ index }) => index);
}
