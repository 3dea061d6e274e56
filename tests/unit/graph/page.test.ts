import { createHash } from "node:crypto";
import { beforeAll, expect, it } from "vitest";
import { markupText } from "../../../tools/base/markup.ts";
import { meshGraph } from "../../../tools/graph/mesh-graph.ts";
import { type GraphData, graphData } from "../../../tools/graph/page/graph-data.ts";
import { graphPage } from "../../../tools/graph/page/graph-page.ts";
import { graphSection } from "../../../tools/graph/page/graph-section.ts";
import { focusLayout, gridLayout } from "../../../tools/graph/page/script/focus-layout.ts";
import {
  type Filters,
  found,
  modelOf,
  NO_FILTERS,
  neighbourhood,
  visibleOf,
} from "../../../tools/graph/page/script/model.ts";
import { SMALL_GRAPH } from "../support/graph-values.ts";

const GRAPH = meshGraph(SMALL_GRAPH);
const DATA = graphData(GRAPH);
const MODEL = modelOf(DATA);

let page: string;
beforeAll(async () => {
  page = await graphPage(GRAPH);
});

/** Indices of nodes by their labels. */
function node(label: string): number {
  return DATA.nodes.findIndex((one) => one.label === label);
}

function labels(nodes: Iterable<number>): (string | undefined)[] {
  return [...nodes].map((index) => DATA.nodes[index]?.label);
}

it("allows only its own style and script, by their hashes, and loads nothing", () => {
  const [, policy = ""] = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page) ?? [];
  const hashOf = (text: string | undefined) =>
    `'sha256-${createHash("sha256")
      .update(text ?? "")
      .digest("base64")}'`;
  expect(policy.split("; ")).toEqual([
    "default-src 'none'",
    `style-src ${hashOf(/<style>([\s\S]*?)<\/style>/.exec(page)?.[1])}`,
    `script-src ${hashOf(/<script>([\s\S]*?)<\/script>/.exec(page)?.[1])}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]);
  expect(page.match(/<(link|img|iframe|object|embed|base)\b/g)).toBeNull();
  expect(page.match(/\b(?:src|href|action)="(?!#)[^"]*"/g)).toBeNull();
  expect(page.match(/\sstyle="/g)).toBeNull();
});

it("says in its tables what the picture shows", () => {
  const [row = ""] = /<tr id="s-\d+"[\s\S]*?web--db[\s\S]*?<\/tr>/.exec(page.slice(page.indexOf("<h3>shop"))) ?? [];
  expect(page).toMatch(/<h3>office <span class="mode dryRun">dryRun<\/span>/);
  expect(row).toContain("3306 TCP");
  expect(page).toContain("a.example/ns/shop/sa/web-sa");
  expect(page).toContain("GET, HEAD /shop*, /&#34;&#60;b&#62;&#38;|#");
  expect(page).toContain("<strong>anyone</strong>");
  expect(page).toContain("<code>b.example/ns/ops/sa/*</code>");
  expect(page).toContain("nobody; it only calls");
  expect(page.match(/data-node="\d+"/g)?.length).toBeGreaterThan(DATA.nodes.length);
});

it("shows applications in place of services where these are too many, and every service in the tables", async () => {
  const services = Object.fromEntries(
    Array.from({ length: 250 }, (_, index) => [
      `s${index}`,
      { labels: { app: `s${index}` }, serviceAccount: `s${index}`, ports: [{ port: 80, protocol: "HTTP" as const }] },
    ]),
  );
  const { global } = SMALL_GRAPH;
  const large = await graphPage(
    meshGraph({ global, mesh: { gateways: {}, applications: { big: { namespace: "big", services } } } }),
  );
  expect(large).toContain("data-collapsed");
  expect(large).toContain("250 services, 0 callers");
  expect(large.match(/<g class="node/g)).toHaveLength(1);
  expect(large.match(/<tr id="s-/g)).toHaveLength(250);
});

it("finds by name, application and principal, the nearest names first", () => {
  expect(labels(found(MODEL, "web", 9))).toEqual(["office/web", "shop/web", "shop/web--db"]);
  expect(labels(found(MODEL, "OFFICE web", 9))).toEqual(["office/web"]);
  expect(labels(found(MODEL, "ops/sa", 9))).toEqual(["b.example/ns/ops/sa/*"]);
  expect(found(MODEL, "  ", 9)).toEqual([]);
  expect(found(MODEL, "e", 2)).toHaveLength(2);
});

it("places neighbours by their distance, callers on the left", () => {
  const visible = visibleOf(MODEL, NO_FILTERS);
  const around = (depth: number) =>
    Object.fromEntries(
      [...neighbourhood(MODEL, visible, node("shop/web--db"), depth)].map(([index, distance]) => [
        DATA.nodes[index]?.label,
        distance,
      ]),
    );
  expect(around(1)).toEqual({ "shop/web--db": 0, "shop/web": -1, "office/report": -1 });
  expect(around(2)).toMatchObject({ anyone: -2, "gateway public": -2, "b.example/ns/ops/sa/*": -2 });
  const placed = focusLayout(MODEL, visible, neighbourhood(MODEL, visible, node("shop/web"), 1), 9);
  const x = (label: string) => placed.nodes.find((one) => one.node === node(label))?.x ?? Number.NaN;
  expect(x("anyone")).toBeLessThan(x("shop/web"));
  expect(x("shop/web")).toBeLessThan(x("shop/web--db"));
  expect(placed.edges).toHaveLength(3);
});

it("does not walk along calls that the filters leave out", () => {
  const gateways = visibleOf(MODEL, { ...NO_FILTERS, caller: "gateway" });
  const reached = neighbourhood(MODEL, gateways, node("shop/web"), 3);
  expect(labels(reached.keys())).toEqual(["shop/web", "gateway public"]);
  expect(focusLayout(MODEL, gateways, reached, 9).edges).toHaveLength(1);
});

it("shows no box over another, and says how many a column leaves out", () => {
  const many: GraphData = {
    applications: [{ name: "a", namespace: "a", mode: "enforce" }],
    nodes: Array.from({ length: 100 }, (_, index) => ({
      kind: "service",
      label: `a/s${index}`,
      name: `s${index}`,
      details: [],
      application: 0,
    })),
    edges: Array.from({ length: 99 }, (_, index) => [index + 1, 0]),
  };
  const model = modelOf(many);
  const visible = visibleOf(model, NO_FILTERS);
  const distances = neighbourhood(model, visible, 0, 1);
  const few = focusLayout(model, visible, distances, 30);
  expect({ shown: few.nodes.length, more: few.more.map(({ count }) => count) }).toEqual({ shown: 31, more: [69] });
  const all = focusLayout(model, visible, distances, Number.POSITIVE_INFINITY);
  expect({ shown: all.nodes.length, more: all.more }).toEqual({ shown: 100, more: [] });
  const grid = gridLayout(model, distances.size > 0 ? [...distances.keys()] : [], 50, 600);
  for (const { nodes, width, height } of [few, all, grid]) {
    const boxes = nodes.map((one) => ({ ...one, left: one.x - one.width / 2, top: one.y - one.height / 2 }));
    for (const [index, box] of boxes.entries()) {
      expect(box.left >= 0 && box.top >= 0 && box.left + box.width <= width && box.top + box.height <= height).toBe(
        true,
      );
      const hit = boxes
        .slice(index + 1)
        .find(
          (other) =>
            Math.abs(other.x - box.x) < (other.width + box.width) / 2 &&
            Math.abs(other.y - box.y) < (other.height + box.height) / 2,
        );
      expect(hit).toBeUndefined();
    }
  }
});

it.each<[Partial<Filters>, number, string[]]>([
  [{}, 6, []],
  [{ mode: "dryRun" }, 2, ["shop/web", "anyone"]],
  [{ application: "office" }, 3, ["shop/web", "anyone", "gateway public"]],
  [{ caller: "principal" }, 1, ["shop/web", "office/end", "anyone"]],
  [{ caller: "anyone" }, 1, ["office/report"]],
  [{ principal: "INGRESS-sa" }, 1, ["office/report", "anyone"]],
])("filters %j leave %i edges, without %j", (filters, edges, without) => {
  const visible = visibleOf(MODEL, { ...NO_FILTERS, ...filters });
  expect(visible.edgeCount).toBe(edges);
  for (const label of without) expect(visible.nodes[node(label)], label).toBe(false);
});

it("claims no effect in the cluster beside what was seen there", async () => {
  const tables = async (seen: ReadonlyMap<string, string>) =>
    markupText((await graphSection(GRAPH, { source: "", applications: seen })).section);
  expect(await tables(new Map())).toContain("Namespace shop. Only these calls pass.");
  const beside = await tables(new Map([["shop", "Others may allow more."]]));
  expect(beside).toContain("Namespace shop. The graph states: only these calls pass. Others may allow more.");
  expect(beside).not.toContain("Only these calls pass.");
});
