import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CHART_DIR } from "./package-files.ts";

/** How the policies of an application work (mesh.applications.<application>.mode). */
export type Mode = "enforce" | "dryRun" | "denyAll" | "off";

/** One entry of `callers`: exactly one of service, gateway, principal and anyone. */
export interface Caller {
  service?: string;
  application?: string;
  gateway?: string;
  principal?: string;
  anyone?: boolean;
  ports?: number[];
  methods?: string[];
  paths?: string[];
}

export interface Port {
  port: number;
  targetPort?: number;
  protocol: "HTTP" | "HTTP2" | "GRPC" | "TCP";
}

export interface Service {
  labels: Record<string, string>;
  serviceAccount: string;
  ports?: Port[];
  callers?: Caller[];
}

export interface Application {
  namespace: string;
  mode?: Mode;
  services: Record<string, Service>;
}

/** The values that the graph comes from. */
export interface GraphValues {
  global: { teleport: { clusterName: string } };
  mesh: {
    enabled: boolean;
    gateways: Record<string, { namespace: string; serviceAccount: string }>;
    applications: Record<string, Application>;
  };
  sockShop: {
    enabled: boolean;
    namespace: { name: string };
    policies: "none" | "denyAll" | "enforce" | "dryRun";
    frontEnd: { callers: Caller[] };
  };
}

const SOCK_SHOP_GRAPH = join(CHART_DIR, "charts", "sock-shop", "files", "graph.yaml");

/**
 * The applications of the mesh by name: those of `mesh.applications` and, when it is enabled, Sock Shop as `sock-shop`,
 * whose graph is a file of its subchart. The chart's template `istio-teleport.applications` does the same.
 */
export function meshApplications({ mesh, sockShop }: GraphValues): Record<string, Application> {
  if (!sockShop.enabled) return mesh.applications;
  const { services } = parse(readFileSync(SOCK_SHOP_GRAPH, "utf8")) as Pick<Application, "services">;
  const frontEnd = services["front-end"];
  if (frontEnd === undefined) throw new Error("the graph of Sock Shop has no service front-end");
  return {
    ...mesh.applications,
    "sock-shop": {
      namespace: sockShop.namespace.name,
      mode: sockShop.policies === "none" ? "off" : sockShop.policies,
      services: { ...services, "front-end": { ...frontEnd, callers: sockShop.frontEnd.callers } },
    },
  };
}
