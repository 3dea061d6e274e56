import type { Caller } from "../../values/types.ts";
import type { GraphPort } from "../mesh-graph.ts";
import type { Outcome } from "./calls.ts";

/** How one caller was seen to use a service. */
export interface ObservedUse {
  caller: Caller;
  /** Service ports; none where the source names none and the service has none in the graph. */
  ports: number[];
  /** Absent: every method. */
  methods: string[] | undefined;
  /** Absent: every path. */
  paths: string[] | undefined;
  /** Whether the current graph allows it, and whether it denies it; neither without a graph. */
  isAllowed: boolean;
  isDenied: boolean;
  outcomes: ReadonlySet<Outcome>;
}

export interface CallerEntry {
  value: Caller;
  isDenied: boolean;
  remark?: string;
}

/**
 * The fewest entries of `callers` that allow exactly these uses: an entry allows each of its methods on each of its
 * paths and ports, so only uses that agree in the rest are put together. What the graph denies stays apart.
 *
 * @param ports all ports of the service; a caller of all of them needs no `ports`
 */
export function callerEntries(uses: readonly ObservedUse[], ports: readonly GraphPort[]): CallerEntry[] {
  const single = uses.flatMap((use) =>
    use.ports.length === 0 ? [use] : use.ports.map((port) => ({ ...use, ports: [port] })),
  );
  const byMethods = united(
    single,
    ({ ports, paths }) => [ports, paths],
    (a, b) => ({ methods: union(a.methods, b.methods) }),
  );
  const byPaths = united(
    byMethods,
    ({ ports, methods }) => [ports, methods],
    (a, b) => ({ paths: union(a.paths, b.paths) }),
  );
  const byPorts = united(
    byPaths,
    ({ methods, paths }) => [methods, paths],
    (a, b) => ({ ports: [...new Set([...a.ports, ...b.ports])].sort((x, y) => x - y) }),
  );
  const entries = new Map<string, CallerEntry>();
  for (const use of byPorts) {
    const value = callerOf(use, ports);
    const key = JSON.stringify(value);
    // Uses that the graph allows and ones that it denies can come to the same, when paths are generalised.
    const isDenied = use.isDenied || entries.get(key)?.isDenied === true;
    const remark = remarkOf({ ...use, isDenied });
    entries.set(key, { value, isDenied, ...(remark !== "" && { remark }) });
  }
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
}

/** Puts uses together that agree in everything but one list. */
function united(
  uses: readonly ObservedUse[],
  rest: (use: ObservedUse) => unknown[],
  list: (a: ObservedUse, b: ObservedUse) => Partial<ObservedUse>,
): ObservedUse[] {
  const groups = new Map<string, ObservedUse>();
  for (const use of uses) {
    const key = JSON.stringify([use.caller, use.isDenied, ...rest(use).map((value) => value ?? null)]);
    const group = groups.get(key);
    const outcomes = new Set([...(group?.outcomes ?? []), ...use.outcomes]);
    groups.set(key, group === undefined ? use : { ...group, outcomes, ...list(group, use) });
  }
  return [...groups.values()];
}

/** Sorted, so that it does not depend on the order of the calls; absent where one is: it allows everything. */
function union(a: string[] | undefined, b: string[] | undefined): string[] | undefined {
  return a && b && [...new Set([...a, ...b])].sort();
}

function callerOf({ caller, ports, methods, paths }: ObservedUse, all: readonly GraphPort[]): Caller {
  const isEvery = all.every(({ port }) => ports.includes(port));
  return {
    ...caller,
    ...(!isEvery && ports.length > 0 && { ports }),
    ...(methods && { methods }),
    ...(paths && { paths }),
  };
}

function remarkOf({ caller, isAllowed, isDenied, outcomes }: ObservedUse): string {
  return [
    caller.anyone && !isAllowed ? ["called without a certificate; this lets everyone in"] : [],
    isDenied ? ["denied by the current graph"] : [],
    outcomes.has("wouldBeDenied") ? ["a dry run would deny it"] : [],
    outcomes.has("denied") ? ["was denied"] : [],
  ]
    .flat()
    .join("; ");
}
