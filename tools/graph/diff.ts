import { groupBy } from "../base/group-by.ts";
import type { GraphSource, MeshGraph, Mode } from "./mesh-graph.ts";
import { type Permission, permissionsOf } from "./permissions.ts";

/** What one graph permits and the other one does not, both as stated; `modes` says what is made of the statements. */
export interface GraphDiff {
  /** The trust domains, where they differ: every principal is another one then, and permissions are compared as if not. */
  trustDomain?: { before: string; after: string };
  /** Namespaces whose mode is another one. No application in a namespace is as good as one in mode off: no policies. */
  modes: ModeChange[];
  gained: PermissionChange[];
  lost: PermissionChange[];
}

export interface ModeChange {
  namespace: string;
  /** Application of the namespace, in the second graph or else in the first. */
  application: string;
  /** Absent: the first graph has no application in the namespace. */
  before?: Mode;
  /** Absent: the second graph has none. */
  after?: Mode;
}

export interface PermissionChange {
  permission: Permission;
  /** What the other graph permits of it: what is kept of a lost permission, what was there of a gained one. */
  rest: Permission[];
}

/**
 * Compares what two graphs permit. Permissions are the same when policies make no difference between them: the same
 * principal, namespace, pod labels, container port, method and path, whatever the names in the values. What a wider
 * permission covers (anyone, every method, a path's prefix) is neither gained nor lost.
 */
export function diffGraphs(before: MeshGraph, after: MeshGraph): GraphDiff {
  const trustDomain = { before: before.clusterName, after: after.clusterName };
  const old = finest(permissionsOf(before.edges).map((permission) => inTrustDomain(permission, trustDomain)));
  const now = finest(permissionsOf(after.edges));
  return {
    ...(trustDomain.before !== trustDomain.after && { trustDomain }),
    modes: modeChanges(before, after),
    gained: uncovered(now, old),
    lost: uncovered(old, now),
  };
}

/** Whether the two graphs make any difference. */
export function isDifferent({ trustDomain, modes, gained, lost }: GraphDiff): boolean {
  return trustDomain !== undefined || modes.length + gained.length + lost.length > 0;
}

function inTrustDomain(permission: Permission, { before, after }: { before: string; after: string }): Permission {
  const { from } = permission;
  if (from.kind === "anyone" || !from.principal.startsWith(`${before}/`)) return permission;
  return { ...permission, from: { ...from, principal: `${after}${from.principal.slice(before.length)}` } };
}

function modeChanges(before: MeshGraph, after: MeshGraph): ModeChange[] {
  const byNamespace = ({ applications }: MeshGraph) => new Map(applications.map((entry) => [entry.namespace, entry]));
  const [old, now] = [byNamespace(before), byNamespace(after)];
  const namespaces = [...new Set([...old.keys(), ...now.keys()])].toSorted();
  return namespaces.flatMap((namespace) => {
    const [first, second] = [old.get(namespace), now.get(namespace)];
    if ((first?.mode ?? "off") === (second?.mode ?? "off")) return [];
    const application = second?.name ?? first?.name ?? "";
    return {
      namespace,
      application,
      ...(first && { before: first.mode }),
      ...(second && { after: second.mode }),
    };
  });
}

/**
 * Permissions for one method and one path each, so that they can be compared. `*` matches every request that has a method or
 * a path at all, and each HTTP request has both: it narrows nothing.
 */
function finest(permissions: readonly Permission[]): Permission[] {
  const each = (texts: readonly string[] | undefined) =>
    texts === undefined || texts.includes("*") ? [undefined] : texts;
  return permissions.flatMap(({ methods, paths, ...permission }) =>
    each(methods).flatMap((method) =>
      each(paths).map((path) => ({
        ...permission,
        ...(method !== undefined && { methods: [method] }),
        ...(path !== undefined && { paths: [path] }),
      })),
    ),
  );
}

function uncovered(these: readonly Permission[], others: readonly Permission[]): PermissionChange[] {
  const othersByTarget = groupBy(others, targetOf);
  return these.flatMap((permission) => {
    const candidates = othersByTarget.get(targetOf(permission)) ?? [];
    if (candidates.some((other) => covers(other, permission))) return [];
    return { permission, rest: candidates.filter((other) => covers(permission, other)) };
  });
}

/** What a policy selects: pods of a namespace by labels, and a port of their containers. */
function targetOf({ to, port }: Permission): string {
  const labels = Object.entries(to.labels).toSorted(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([to.namespace, labels, port.targetPort]);
}

function covers(wide: Permission, narrow: Permission): boolean {
  return (
    sourceCovers(wide.from, narrow.from) &&
    (wide.methods === undefined || wide.methods[0] === narrow.methods?.[0]) &&
    (wide.paths === undefined ||
      (narrow.paths !== undefined && patternCovers(wide.paths[0] ?? "", narrow.paths[0] ?? "")))
  );
}

function sourceCovers(wide: GraphSource, narrow: GraphSource): boolean {
  if (wide.kind === "anyone" || narrow.kind === "anyone") return wide.kind === "anyone";
  return patternCovers(wide.principal, narrow.principal);
}

/**
 * Istio's string matches: exact, or with a `*` at one end (istio.io/api security/v1beta1 AuthorizationPolicy). It holds
 * for path templates (`/carts/{*}/items`) too: what comes before their first or after their last brace is literal, and
 * a template itself is taken to cover nothing but itself.
 */
function patternCovers(wide: string, narrow: string): boolean {
  if (wide.endsWith("*")) return narrow.startsWith(wide.slice(0, -1));
  if (wide.startsWith("*")) return narrow.endsWith(wide.slice(1));
  return wide === narrow;
}
