import { groupBy } from "../base/group-by.ts";
import type { Facts } from "../doctor/facts/make-facts.ts";
import type { AuthorizationPolicy } from "../doctor/facts/objects.ts";
import type { GraphApplication, MeshGraph } from "../graph/mesh-graph.ts";
import type { Policies } from "./document.ts";

/** Whether the policies that the graph compiles to are in the cluster, with the effect that each mode is to have. */
export function policiesSeen(facts: Facts, graph: MeshGraph): Policies[] {
  const { authorizationPolicies: read } = facts;
  const called = groupBy(graph.edges, ({ to }) => to.application);
  const found = groupBy(read.ok ? read.value : [], ({ metadata }) => metadata.namespace);
  return graph.applications.map((application): Policies => {
    const { name, namespace, mode } = application;
    const expected = policyNames(application, new Set(called.get(name)?.map(({ to }) => to.name)));
    if (!read.ok)
      return { application: name, status: "unknown", evidence: read.reason, expected: expected.length, missing: [] };
    const own = new Set(
      (found.get(namespace) ?? [])
        .filter((policy) => isDryRun(policy) === (mode === "dryRun"))
        .map(({ metadata }) => metadata.name),
    );
    const missing = expected.filter((policy) => !own.has(policy));
    const evidence = `${expected.length - missing.length} of ${expected.length} AuthorizationPolicies of mode ${mode} are in the namespace ${namespace}`;
    return {
      application: name,
      status: missing.length > 0 ? "problem" : expected.length === 0 ? "skipped" : "ok",
      evidence: missing.length === 0 ? evidence : `${evidence}; missing: ${missing.join(", ")}`,
      expected: expected.length,
      missing,
    };
  });
}

/** As chart/templates/graph/applications.yaml names them. */
function policyNames({ mode, services }: GraphApplication, called: ReadonlySet<string>): string[] {
  if (mode === "off") return [];
  const allowed = mode === "denyAll" ? [] : services.filter(({ name }) => called.has(name));
  return ["deny-all", ...allowed.map(({ name }) => `allow-${name}`)];
}

function isDryRun({ metadata }: AuthorizationPolicy): boolean {
  return metadata.annotations?.["istio.io/dry-run"] === "true";
}
