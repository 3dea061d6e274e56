import { expect, test } from "vitest";
import { parseManifests, renderManifests } from "../../../tools/chart/manifests.ts";
import { type GraphEdge, type MeshGraph, meshGraph } from "../../../tools/graph/mesh-graph.ts";
import { permissionsOf } from "../../../tools/graph/permissions.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { loadGraphValues } from "../../../tools/values/load.ts";
import { repositoryPath } from "../../support/run-helm.ts";
import { type Rendered, scenarioInputs } from "../../support/scenarios.ts";
import { SMALL_GRAPH, sockShopValues } from "../support/graph-values.ts";

/** An edge on one line: source, its principal, destination, container ports, methods, paths. */
const line = ({ from, to, ports, methods, paths }: GraphEdge) =>
  [
    from.label,
    from.principal,
    `${to.application}/${to.name}`,
    ports.map(({ targetPort }) => targetPort).join(),
    methods,
    paths,
  ]
    .filter((part) => part !== undefined)
    .join(" ");

test("callers are resolved to principals and container ports, in a fixed order", () => {
  const { edges } = meshGraph(SMALL_GRAPH);
  expect(edges.map(line)).toEqual([
    "b.example/ns/ops/sa/* b.example/ns/ops/sa/* office/report 8080",
    "office/report a.example/ns/back-office/sa/report office/report 8080",
    "anyone shop/web 8080",
    'gateway public a.example/ns/ingress/sa/ingress-sa shop/web 8080,9090 GET,HEAD /shop*,/"<b>&|#',
    "shop/web a.example/ns/shop/sa/web-sa shop/web--db 3306",
    "office/report a.example/ns/back-office/sa/report shop/web--db 3306",
  ]);
});

test("applications carry their mode", () => {
  const modes = ({ applications }: MeshGraph) => applications.map(({ name, mode }) => [name, mode]);
  expect(modes(meshGraph(SMALL_GRAPH))).toEqual([
    ["office", "dryRun"],
    ["shop", "enforce"],
  ]);
});

test.each([
  ["none", "off"],
  ["denyAll", "denyAll"],
  ["dryRun", "dryRun"],
] as const)(
  "Sock Shop with policies %s is an application in mode %s, with its values' callers of the front-end",
  async (policies, mode) => {
    const sets = [
      `policies=${policies}`,
      "namespace.name=socks",
      "frontEnd.callers[0].principal=example.teleport.sh/ns/x/sa/y",
    ];
    const { applications, edges } = meshGraph(await sockShopValues(...sets.map((set) => `sockShop.${set}`)));
    expect(applications).toMatchObject([{ name: "sock-shop", namespace: "socks", mode }]);
    expect(applications[0]?.services).toHaveLength(14);
    const toFrontEnd = edges.filter(({ to }) => to.name === "front-end").map(({ from }) => from.label);
    expect(toFrontEnd).toEqual(["example.teleport.sh/ns/x/sa/y"]);
  },
);

test("the table of permissions is what the rendered policies allow, line by line", { timeout: 30_000 }, async () => {
  const sets = ["sockShop.enabled=true"];
  const inputs = await scenarioInputs("graph", ...sets);
  const values = await loadGraphValues(systemRunner, { files: [repositoryPath("chart/ci/graph-values.yaml")], sets });
  const graph = meshGraph(values);
  const rendered = new Set(graph.applications.flatMap(({ name, mode }) => (/enforce|dryRun/.test(mode) ? [name] : [])));
  const expected = permissionsOf(graph.edges)
    .filter(({ to }) => rendered.has(to.application))
    .map(({ from, to, port, methods, paths }) => [
      from.principal,
      to.namespace,
      to.labels,
      port.targetPort,
      methods,
      paths,
    ]);

  const policies = (parseManifests(await renderManifests(systemRunner, { inputs }, values)) as Rendered[]).filter(
    ({ kind, metadata }) => kind === "AuthorizationPolicy" && metadata.name.startsWith("allow-"),
  );
  const allowed = policies.flatMap(({ metadata, spec }) =>
    (spec.rules as Rule[]).flatMap(({ from, to }) =>
      sources(from).flatMap((principal) =>
        to.flatMap(({ operation: { ports, methods, paths } }) =>
          ports.map((port) => [principal, metadata.namespace, spec.selector.matchLabels, Number(port), methods, paths]),
        ),
      ),
    ),
  );
  expect(expected.length).toBeGreaterThan(20);
  const sorted = (rows: unknown[][]) => rows.map((row) => JSON.stringify(row)).toSorted();
  expect(sorted(expected)).toEqual(sorted(allowed));
  expect(new Set(policies.map(({ metadata }) => metadata.namespace))).toEqual(new Set(["shop", "office", "sock-shop"]));
});

/** A rule of an AuthorizationPolicy, as the chart writes them. */
interface Rule {
  from?: { source: { principals: string[] } }[];
  to: { operation: { ports: string[]; methods?: string[]; paths?: string[] } }[];
}

/** A rule without `from` is for everybody. */
const sources = (from: Rule["from"]) => from?.flatMap(({ source }) => source.principals) ?? [undefined];
