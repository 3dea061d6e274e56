import { expect, test } from "vitest";
import { diffGraphs, isDifferent } from "../../../tools/graph/diff.ts";
import type { GraphValues } from "../../../tools/graph/mesh-graph.ts";
import { meshGraph } from "../../../tools/graph/mesh-graph.ts";
import { diffTable } from "../../../tools/graph/views/diff-table.ts";
import type { Application, Caller, Service } from "../../../tools/values/types.ts";
import { SMALL_GRAPH } from "../support/graph-values.ts";

/** Values with one application: a service `api` with these callers, and two that may call. */
function withCallers(
  callers: Caller[],
  api: Partial<Service> = {},
  application: Partial<Application> = {},
): GraphValues {
  const service = (name: string) => ({ labels: { app: name }, serviceAccount: name });
  const services = {
    api: { ...service("api"), ports: [{ port: 80, targetPort: 8080, protocol: "HTTP" as const }], callers, ...api },
    a: service("a"),
    b: service("b"),
  };
  return {
    ...SMALL_GRAPH,
    mesh: { ...SMALL_GRAPH.mesh, applications: { shop: { namespace: "shop", services, ...application } } },
  };
}

const diff = (before: GraphValues, after: GraphValues) => diffGraphs(meshGraph(before), meshGraph(after));

/** The lines of the table, blanks between columns as one. */
const table = (before: GraphValues, after: GraphValues) =>
  diffTable(diff(before, after), meshGraph(after))
    .split("\n")
    .map((line) => line.replace(/ +/g, " ").trim())
    .filter((line) => line !== "" && !line.startsWith("CHANGE"));

test("an edge that only one graph has is gained or lost", () => {
  const [one, other] = [withCallers([{ service: "a" }]), withCallers([{ service: "b" }])];
  expect(table(one, other)).toEqual([
    "gained shop/b → shop/api 80→8080 HTTP any any",
    "lost shop/a → shop/api 80→8080 HTTP any any",
  ]);
  expect(isDifferent(diff(one, other))).toBe(true);
});

test("equal graphs have no difference, whatever things are called", () => {
  const before = withCallers([{ service: "a" }, { anyone: true, methods: ["GET"] }]);
  const after = withCallers([{ anyone: true, methods: ["GET"] }, { principal: "a.example/ns/shop/sa/a" }]);
  after.mesh.applications = { renamed: after.mesh.applications.shop as Application };
  expect(isDifferent(diff(before, after))).toBe(false);
  expect(table(before, after)).toEqual(["No difference: the same calls pass."]);
});

test.each<[string, Caller, Caller]>([
  ["a method", { service: "a" }, { service: "a", methods: ["GET"] }],
  ["one of two methods", { service: "a", methods: ["GET", "PUT"] }, { service: "a", methods: ["GET"] }],
  ["a path", { service: "a" }, { service: "a", paths: ["/x"] }],
  ["a path of a prefix", { service: "a", paths: ["/x*"] }, { service: "a", paths: ["/x/y"] }],
  ["a longer prefix", { service: "a", paths: ["/x*"] }, { service: "a", paths: ["/x/*"] }],
  ["a path of a suffix", { service: "a", paths: ["*/y"] }, { service: "a", paths: ["/x/y"] }],
  ["a template of a prefix", { service: "a", paths: ["/x/*"] }, { service: "a", paths: ["/x/{*}/y"] }],
  ["a template of a suffix", { service: "a", paths: ["*/y"] }, { service: "a", paths: ["/x/{*}/y"] }],
  ["a caller of everybody", { anyone: true }, { service: "a" }],
  ["a caller of a namespace", { principal: "a.example/ns/shop/sa/*" }, { service: "a" }],
])("narrowing to %s loses, widening gains", (_, wide, narrow) => {
  const [before, after] = [withCallers([wide]), withCallers([narrow])];
  expect(diff(before, after)).toMatchObject({ gained: [], lost: [{}] });
  expect(diff(after, before)).toMatchObject({ gained: [{}], lost: [] });
});

test.each<[Caller, Caller]>([
  [
    { service: "a", paths: ["/x"] },
    { service: "a", paths: ["/x*"] },
  ],
  [
    { service: "a", paths: ["/x/*"] },
    { service: "a", paths: ["*/x"] },
  ],
  [
    { service: "a", paths: ["/{*}/y"] },
    { service: "a", paths: ["/x/y"] },
  ],
  [{ principal: "a.example/ns/shop/sa/*" }, { anyone: true }],
])("%j does not permit %j", (narrow, wide) => {
  expect(diff(withCallers([narrow]), withCallers([wide])).gained).toHaveLength(1);
});

test("* as a path or a method narrows nothing, so it is no difference", () => {
  const open = withCallers([{ service: "a" }]);
  for (const narrowing of [{ paths: ["*"] }, { methods: ["*"] }, { paths: ["/x", "*"], methods: ["*"] }]) {
    const starred = withCallers([{ service: "a", ...narrowing }]);
    expect(isDifferent(diff(open, starred))).toBe(false);
    expect(isDifferent(diff(starred, open))).toBe(false);
  }
  // A prefix does: OPTIONS * and CONNECT have a path that does not begin with a slash.
  expect(diff(withCallers([{ service: "a", paths: ["/*"] }]), open)).toMatchObject({ gained: [{}], lost: [] });
});

test("a narrowed permission says what is kept, a widened one what there was", () => {
  const [wide, narrow] = [
    withCallers([{ service: "a" }]),
    withCallers([{ service: "a", methods: ["GET"], paths: ["/x*"] }]),
  ];
  expect(table(wide, narrow)).toEqual(["lost shop/a → shop/api 80→8080 HTTP any any keeps GET /x*"]);
  expect(table(narrow, wide)).toEqual(["gained shop/a → shop/api 80→8080 HTTP any any had GET /x*"]);
  expect(table(withCallers([{ anyone: true }]), withCallers([{ service: "a" }]))).toEqual([
    "lost anyone → shop/api 80→8080 HTTP any any keeps shop/a",
  ]);
});

test("the same names with another identity, pods or container port are another permission, and the line says which", () => {
  const before = withCallers([{ service: "a" }]);
  const relabelled = withCallers([{ service: "a" }], { labels: { app: "other" } });
  expect(table(before, relabelled)).toEqual([
    "gained shop/a → shop/api 80→8080 HTTP any any a.example/ns/shop/sa/a → pods app=other in shop",
    "lost shop/a → shop/api 80→8080 HTTP any any a.example/ns/shop/sa/a → pods app=api in shop",
  ]);
  const moved = withCallers([{ service: "a" }], { ports: [{ port: 80, targetPort: 9090, protocol: "HTTP" }] });
  expect(diff(before, moved)).toMatchObject({ gained: [{}], lost: [{}] });
  const renumbered = withCallers([{ service: "a" }], { ports: [{ port: 81, targetPort: 8080, protocol: "HTTP" }] });
  expect(isDifferent(diff(before, renumbered))).toBe(false);
});

test.each<[Application["mode"], string]>([
  ["off", "namespace shop (shop): enforce → off: no policies; every workload of the mesh may call"],
  [
    "dryRun",
    "namespace shop (shop): enforce → dryRun: every workload of the mesh may call; what is not listed is logged",
  ],
  ["denyAll", "namespace shop (shop): enforce → denyAll: no call passes, listed or not"],
])("another mode alone, %s, is a difference, with its effect", (mode, sentence) => {
  expect(table(withCallers([]), withCallers([], {}, mode && { mode }))).toEqual([sentence]);
});

test("an application that goes leaves its namespace without policies", () => {
  const nothing = { ...SMALL_GRAPH, mesh: { ...SMALL_GRAPH.mesh, applications: {} } };
  expect(table(withCallers([{ service: "a" }]), nothing)).toEqual([
    "namespace shop (shop): enforce → removed: no policies; every workload of the mesh may call",
    "lost shop/a → shop/api 80→8080 HTTP any any",
  ]);
  expect(isDifferent(diff(nothing, withCallers([], {}, { mode: "off" })))).toBe(false);
});

test("changes in a mode that does not enforce them say so", () => {
  const [before, after] = [[], [{ service: "a" }]].map((callers) => withCallers(callers, {}, { mode: "dryRun" }));
  expect(table(before as GraphValues, after as GraphValues)).toEqual([
    "gained shop/a → shop/api 80→8080 HTTP any any in mode dryRun",
  ]);
});

test("another trust domain is one line, not every permission", () => {
  const before = withCallers([{ service: "a" }, { principal: "a.example/ns/x/sa/*" }]);
  const after = {
    ...withCallers([{ service: "a" }, { principal: "b.example/ns/x/sa/*" }]),
    global: { teleport: { clusterName: "b.example" } },
  };
  expect(table(before, after)).toEqual(["trust domain: a.example → b.example: every principal is another one"]);
  expect(isDifferent(diff(before, after))).toBe(true);
});
