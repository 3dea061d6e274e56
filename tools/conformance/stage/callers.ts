/**
 * The stage's own graph: who may call each service. Three services, so that it has an edge, the same edge the wrong way
 * round, a caller of a caller, and a service that nobody may call.
 */
export const CALLERS = {
  server: ["allowed-client"],
  "allowed-client": ["other-client"],
  "other-client": [],
} as const satisfies Record<string, readonly string[]>;

/** A service of the graph, which is also a client of the others; the name of its pod, Service and ServiceAccount. */
export type ServiceName = keyof typeof CALLERS;

export const SERVICES = Object.keys(CALLERS) as ServiceName[];

/** The clients: those of the graph, and the one without a sidecar. */
export type ClientName = ServiceName | "plaintext-client";

/** Whether the stage's policies let one service call another. */
export function mayCall(from: ServiceName, to: ServiceName): boolean {
  return (CALLERS[to] as readonly string[]).includes(from);
}
