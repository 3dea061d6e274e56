import type { GraphValues } from "../../../tools/graph/mesh-graph.ts";
import type { Caller, Service } from "../../../tools/values/types.ts";

/** Services of an application. */
const PER_APPLICATION = 15;

/** A graph of so many services, each called by `callers` others, near and far. */
export function largeGraph(services: number, callers = 3): GraphValues {
  const applicationOf = (index: number) => `team-${Math.floor(index / PER_APPLICATION)}`;
  const applications: GraphValues["mesh"]["applications"] = {};
  for (let index = 0; index < services; index++) {
    const application = applicationOf(index);
    const own: Service = {
      labels: { app: `service-${index}` },
      serviceAccount: `service-${index}`,
      ports: [{ port: 80, targetPort: 8080, protocol: "HTTP" }],
      callers: Array.from({ length: Math.min(callers, services - 1) }, (_, step): Caller => {
        const other = (index + 1 + step * Math.ceil(services / 7)) % services;
        return { service: `service-${other}`, application: applicationOf(other) };
      }),
    };
    applications[application] ??= { namespace: application, services: {} };
    applications[application].services[`service-${index}`] = own;
  }
  return { global: { teleport: { clusterName: "example.teleport.sh" } }, mesh: { gateways: {}, applications } };
}
