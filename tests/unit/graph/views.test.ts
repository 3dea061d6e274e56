import { expect, test } from "vitest";
import { type MeshGraph, meshGraph } from "../../../tools/graph/mesh-graph.ts";
import { graphDocument } from "../../../tools/graph/views/document.ts";
import { mermaidChart } from "../../../tools/graph/views/mermaid.ts";
import { svgPicture } from "../../../tools/graph/views/svg.ts";
import { permissionTable } from "../../../tools/graph/views/table.ts";
import { SMALL_GRAPH, sockShopValues } from "../support/graph-values.ts";

/** Each form of two graphs, whole in tests/unit/graph/golden/ and docs/, and here what matters in it. */

const SOCK_SHOP = meshGraph(await sockShopValues());

const GRAPHS = [
  ["small", meshGraph(SMALL_GRAPH)],
  ["sock-shop", SOCK_SHOP],
] as const;

test.each(GRAPHS)("%s as a table", async (name, graph) => {
  const table = permissionTable(graph, { principals: name === "small" });
  await expect(table).toMatchFileSnapshot(`golden/${name}.table.txt`);
  const rows = table.split("\n").filter((row) => row.includes("→") && !row.includes("nobody"));
  expect(rows).toHaveLength(graph.edges.flatMap(({ ports }) => ports).length);
  expect(table).not.toMatch(/ $/m);
});

test("the table says each application's mode, who is called by nobody, and principals on request", () => {
  const graph = meshGraph(SMALL_GRAPH);
  const table = permissionTable(graph, { principals: true });
  expect(table).toContain("shop: namespace shop, mode enforce: only these calls pass\n");
  expect(table).toContain("office: namespace back-office, mode dryRun: every workload of the mesh may call; ");
  expect(table).toContain("  nobody → web\n");
  expect(table).toMatch(/ {2}office\/report +→ {2}web--db +3306 TCP +- +- +a.example\/ns\/back-office\/sa\/report$/m);
  expect(permissionTable(graph, { principals: false })).not.toContain("a.example/");
});

test.each(GRAPHS)("%s as a Mermaid flowchart", async (name, graph) => {
  const chart = mermaidChart(graph);
  await expect(chart).toMatchFileSnapshot(`golden/${name}.mmd`);
  const arrows = chart.split("\n").filter((line) => / -\.?->/.test(line));
  expect(arrows).toHaveLength(graph.edges.length);
  const defined = new Set([...chart.matchAll(/^ +([\w.]+)[[({]/gm)].map(([, id]) => id));
  expect(defined.size).toBe(nodeCount(graph));
  for (const arrow of arrows) {
    const [, from, to] = /^ {2}(\S+) .* (\S+)$/.exec(arrow) ?? [];
    expect(defined).toContain(from);
    expect(defined).toContain(to);
  }
});

test("Mermaid reads nothing in names and paths as markup, and ids neither as links nor as its own words", () => {
  const chart = mermaidChart(meshGraph(SMALL_GRAPH));
  expect(chart).toContain('|"GET, HEAD /shop#42;, /#34;#60;b#62;#38;#124;#35;"|');
  expect(chart).toContain('service.shop.web__db[("web--db<br>3306 TCP<br>sa db")]');
  expect(chart).toContain('service.office.end["end<br>sa end"]');
  expect(chart).toContain("  service.office.report -.-> service.office.report\n");
});

test.each(GRAPHS)("%s as an SVG", async (name, graph) => {
  const svg = await svgPicture(graph);
  // The picture of the docs is the golden file: it cannot be stale.
  await expect(svg).toMatchFileSnapshot(name === "small" ? "golden/small.svg" : "../../../docs/start/sock-shop.svg");
  expect(await svgPicture(graph)).toBe(svg);
  const legend = svg.lastIndexOf("<g transform");
  expect(svg.slice(0, legend).match(/<g class="node /g)).toHaveLength(nodeCount(graph));
  expect(svg.slice(0, legend).match(/<g class="edge/g)).toHaveLength(graph.edges.length);
  expect(svg.match(/class="application /g)).toHaveLength(graph.applications.length);
  expect(svg).not.toMatch(/NaN|undefined|Infinity/);
});

test("the SVG is accessible, shows identities, and takes names and paths as text", async () => {
  const svg = await svgPicture(meshGraph(SMALL_GRAPH));
  expect(svg).toMatch(/^<svg [^>]*role="img" aria-labelledby="title desc">\n<title id="title">Who may call whom/);
  expect(svg).toMatch(/<desc id="desc">[^<]*shop\/web → shop\/web--db: 3306 TCP\./);
  expect(svg).toContain('<g class="node database"');
  expect(svg).toContain("<title>spiffe://a.example/ns/shop/sa/web-sa, pods with app=web</title>");
  expect(svg).toContain(">sa web-sa</text>");
  expect(svg).toContain("GET, HEAD /shop*, /&#34;&#60;b&#62;&#38;|#</text>");
  expect(svg).toContain('<g class="edge loose"><title>b.example/ns/ops/sa/* → office/report: 8080 GRPC</title>');
  expect(svg).toContain("@media (prefers-color-scheme:dark)");
});

test("every box of the SVG is inside of the picture, and none covers another one", async () => {
  const svg = await svgPicture(SOCK_SHOP);
  const number = (pattern: RegExp) => Number(pattern.exec(svg)?.[1]);
  const [width, height] = [number(/ width="(\d+)"/), number(/ height="(\d+)"/)];
  const boxes = [
    ...svg.matchAll(
      /<g class="node (?:service|entry)" transform="translate\((\S+) (\S+)\)"><title>.*?<rect class="shape" x="(\S+)" y="(\S+)" width="(\S+)" height="(\S+)"/g,
    ),
  ].map((match) => {
    const [x = 0, y = 0, left = 0, top = 0, w = 0, h = 0] = match.slice(1).map(Number);
    return { left: x + left, top: y + top, right: x + left + w, bottom: y + top + h };
  });
  expect(boxes).toHaveLength(8);
  for (const [index, box] of boxes.entries()) {
    expect(box.left).toBeGreaterThanOrEqual(0);
    expect(box.top).toBeGreaterThanOrEqual(0);
    expect(box.right).toBeLessThan(width);
    expect(box.bottom).toBeLessThan(height);
    const covered = boxes
      .slice(index + 1)
      .filter(
        (other) => box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom,
      );
    expect(covered).toEqual([]);
  }
});

test("the JSON document has everything resolved, and no limit where there is none", () => {
  const { clusterName, applications, edges } = JSON.parse(graphDocument(meshGraph(SMALL_GRAPH)));
  expect(clusterName).toBe("a.example");
  expect(applications[1]).toMatchObject({ name: "shop", namespace: "shop", mode: "enforce" });
  expect(applications[1].services[1]).toEqual({
    name: "web--db",
    labels: { app: "db" },
    serviceAccount: "db",
    principal: "a.example/ns/shop/sa/db",
    ports: [{ port: 3306, targetPort: 3306, protocol: "TCP" }],
  });
  expect(edges[2]).toEqual({
    from: { kind: "anyone", label: "anyone" },
    to: { label: "shop/web", application: "shop", service: "web" },
    ports: [{ port: 80, targetPort: 8080, protocol: "HTTP" }],
  });
  expect(edges[3]).toMatchObject({
    from: { kind: "gateway", label: "gateway public", principal: "a.example/ns/ingress/sa/ingress-sa" },
    methods: ["GET", "HEAD"],
  });
});

/** Services, and callers from outside. */
const nodeCount = ({ applications, edges }: MeshGraph) =>
  applications.flatMap(({ services }) => services).length +
  new Set(edges.flatMap(({ from }) => (from.kind === "service" ? [] : [from.label]))).size;
