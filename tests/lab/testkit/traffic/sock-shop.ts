import type { Try } from "./matrix.ts";

export const NAMESPACE = "sock-shop";

/** What is spoken on a port: what a refusal looks like depends on it. */
export type Protocol = "http" | "mysql" | "mongo" | "redis" | "amqp";

/** A part's one port: of its Service, and of its container, on which policies match. */
export interface PartPort {
  readonly port: number;
  readonly targetPort: number;
  readonly protocol: Protocol;
}

/**
 * The published application's parts, written down by hand from its manifests and not from our graph: a graph that is
 * wrong must not agree with itself.
 */
export const PARTS: Readonly<Record<string, PartPort>> = {
  "front-end": { port: 80, targetPort: 8079, protocol: "http" },
  catalogue: { port: 80, targetPort: 80, protocol: "http" },
  "catalogue-db": { port: 3306, targetPort: 3306, protocol: "mysql" },
  carts: { port: 80, targetPort: 80, protocol: "http" },
  "carts-db": { port: 27017, targetPort: 27017, protocol: "mongo" },
  orders: { port: 80, targetPort: 80, protocol: "http" },
  "orders-db": { port: 27017, targetPort: 27017, protocol: "mongo" },
  payment: { port: 80, targetPort: 80, protocol: "http" },
  "queue-master": { port: 80, targetPort: 80, protocol: "http" },
  rabbitmq: { port: 5672, targetPort: 5672, protocol: "amqp" },
  "session-db": { port: 6379, targetPort: 6379, protocol: "redis" },
  shipping: { port: 80, targetPort: 80, protocol: "http" },
  user: { port: 80, targetPort: 80, protocol: "http" },
  "user-db": { port: 27017, targetPort: 27017, protocol: "mongo" },
};

/** Who calls whom in the published application, by hand as well. Anyone outside calls front-end. */
const CALLS: Readonly<Record<string, readonly string[]>> = {
  "front-end": ["catalogue", "carts", "orders", "user", "session-db"],
  orders: ["carts", "user", "payment", "shipping", "orders-db"],
  carts: ["carts-db"],
  catalogue: ["catalogue-db"],
  user: ["user-db"],
  shipping: ["rabbitmq"],
  "queue-master": ["rabbitmq"],
};

/** Every ordered pair of parts, on the port of the called one. */
export const PAIRS: readonly Try[] = Object.keys(PARTS).flatMap((from) =>
  Object.keys(PARTS)
    .filter((to) => to !== from)
    .map((to) => attempt(from, to)),
);

/** The edges of the published application, in the order of PAIRS. */
export const EDGES: readonly Try[] = PAIRS.filter(({ from, to }) => CALLS[from]?.includes(to));

/** From a pod without a sidecar to every part. */
export const FROM_OUTSIDE: readonly Try[] = Object.keys(PARTS).map((to) => attempt("outside", to));

/** The lab's stand-in for a part's published image. */
export function partImage(part: string): string {
  return `lab.local/sock-shop/${part}:lab`;
}

export function partPort(part: string): PartPort {
  const port = PARTS[part];
  if (port === undefined) throw new Error(`Sock Shop has no part ${part}`);
  return port;
}

function attempt(from: string, to: string): Try {
  return { from, to, port: partPort(to).port };
}
