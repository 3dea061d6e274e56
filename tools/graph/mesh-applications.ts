import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { CHART_DIR } from "../base/package-files.ts";
import type { Application, Values } from "../values/types.ts";

/** How the policies of an application work (mesh.applications.<application>.mode). */
export type Mode = NonNullable<Application["mode"]>;

/** The part of the chart's values that the graph comes from. */
export interface GraphValues {
  global: { teleport: Pick<Values["global"]["teleport"], "clusterName"> };
  mesh: Pick<Values["mesh"], "gateways" | "applications">;
  sockShop: Pick<Values["sockShop"], "enabled" | "policies" | "frontEnd"> & { namespace: { name: string } };
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
