import type { GraphValues } from "../../../tools/graph/mesh-graph.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { loadGraphValues } from "../../../tools/values/load.ts";

/** Two applications and a gateway, with each kind of caller and each narrowing; the names collide as far as they may. */
export const SMALL_GRAPH: GraphValues = {
  global: { teleport: { clusterName: "a.example" } },
  mesh: {
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
              { gateway: "public", methods: ["GET", "HEAD"], paths: ["/shop*", '/"<b>&|#'] },
            ],
          },
          "web--db": {
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
            labels: { app: "report", tier: "back" },
            serviceAccount: "report",
            ports: [{ port: 8080, protocol: "GRPC" }],
            callers: [{ principal: "b.example/ns/ops/sa/*" }, { service: "report" }],
          },
          web: {
            labels: { app: "web" },
            serviceAccount: "web",
            ports: [{ port: 443, protocol: "HTTP2" }],
          },
          end: { labels: { app: "end" }, serviceAccount: "end" },
        },
      },
    },
  },
};

/** Sock Shop alone, as its subchart has it, with these `--set` assignments. */
export function sockShopValues(...sets: string[]): Promise<GraphValues> {
  const teleport = ["clusterName=example.teleport.sh", "proxyAddr=example.teleport.sh:443"];
  return loadGraphValues(systemRunner, {
    files: [],
    sets: [...teleport.map((set) => `global.teleport.${set}`), "sockShop.enabled=true", ...sets],
  });
}
