import { expect, test } from "vitest";
import type { GraphValues } from "../../tools/lib/mesh-applications.ts";
import { type GraphEdge, meshGraph } from "../../tools/lib/mesh-graph.ts";

/** Two applications and a gateway, with each kind of caller. */
const VALUES: GraphValues = {
  global: { teleport: { clusterName: "a.example" } },
  sockShop: { enabled: false, namespace: { name: "sock-shop" }, policies: "enforce", frontEnd: { callers: [] } },
  mesh: {
    enabled: true,
    gateways: { public: { namespace: "ingress", serviceAccount: "ingress-sa" } },
    applications: {
      shop: {
        namespace: "shop",
        services: {
          web: {
            labels: { app: "web" },
            serviceAccount: "web-sa",
            ports: [
              { port: 80, targetPort: 8080, protocol: "HTTP" },
              { port: 9090, protocol: "HTTP" },
            ],
            callers: [
              { anyone: true, ports: [80] },
              { gateway: "public", methods: ["GET"], paths: ["/shop*"] },
            ],
          },
          db: {
            labels: { app: "db" },
            serviceAccount: "db",
            ports: [{ port: 3306, protocol: "TCP" }],
            callers: [{ service: "web" }, { service: "report", application: "office" }],
          },
        },
      },
      office: {
        namespace: "back-office",
        mode: "dryRun",
        services: {
          report: {
            labels: { app: "report" },
            serviceAccount: "report",
            ports: [{ port: 8080, protocol: "GRPC" }],
            callers: [{ principal: "b.example/ns/ops/sa/*" }],
          },
          cron: { labels: { app: "cron" }, serviceAccount: "cron" },
        },
      },
    },
  },
};

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
  const { edges } = meshGraph(VALUES);
  expect(edges.map(line)).toEqual([
    "b.example/ns/ops/sa/* b.example/ns/ops/sa/* office/report 8080",
    "shop/web a.example/ns/shop/sa/web-sa shop/db 3306",
    "office/report a.example/ns/back-office/sa/report shop/db 3306",
    "anyone shop/web 8080",
    "gateway public a.example/ns/ingress/sa/ingress-sa shop/web 8080,9090 GET /shop*",
  ]);
});

test("applications carry their mode, and off when no policy is rendered at all", () => {
  const modes = (values: GraphValues) => meshGraph(values).applications.map(({ name, mode }) => [name, mode]);
  expect(modes(VALUES)).toEqual([
    ["office", "dryRun"],
    ["shop", "enforce"],
  ]);
  expect(modes({ ...VALUES, mesh: { ...VALUES.mesh, enabled: false } })).toEqual([
    ["office", "off"],
    ["shop", "off"],
  ]);
});
