import { shell } from "./shell.ts";

/** Envoy's two filters that enforce AuthorizationPolicies, for HTTP and for TCP. */
const NAMES = ["envoy.filters.http.rbac", "envoy.filters.network.rbac"];

/** What a sidecar holds of AuthorizationPolicies. */
export interface RbacFilters {
  /** In all of its inbound filter chains: one and the same filter stands in each. */
  readonly count: number;
  /** Of all, as JSON without spaces. */
  readonly bytes: number;
  /** Of the longest one. */
  readonly longest: number;
  /** The principals that they name, sorted, each once. */
  readonly principals: readonly string[];
}

/** The RBAC filters of a pod's listeners, as istioctl reads them from Envoy. */
export async function rbacFilters(namespace: string, pod: string): Promise<RbacFilters> {
  const listeners: unknown = JSON.parse(await shell(`istioctl proxy-config listeners ${pod}.${namespace} -o json`));
  const texts = filtersIn(listeners).map((filter) => JSON.stringify(filter));
  const principals = texts.flatMap((text) =>
    [...text.matchAll(/spiffe:\/\/([^"\\]+)/g)].map((match) => match[1] ?? ""),
  );
  const sizes = texts.map((text) => Buffer.byteLength(text));
  return {
    count: texts.length,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    longest: Math.max(0, ...sizes),
    principals: [...new Set(principals)].toSorted(),
  };
}

function filtersIn(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  if ("name" in value && NAMES.includes(String(value.name))) return [value];
  return Object.values(value).flatMap(filtersIn);
}
