import type { Application, Service } from "../../../tools/values/types.ts";

/** What a large graph looks like beside its size. */
interface Shape {
  /** Name of each service, which is that of its ServiceAccount, too. */
  readonly nameOf?: (index: number) => string;
  /** Applications that the services are spread over; 1 unless given. */
  readonly applications?: number;
}

/**
 * Values with a graph in which each service is called by the same number of others, far and near, of all applications,
 * and has a label in common with all others, as charts set it.
 */
export function largeValues(
  services: number,
  callers: number,
  { nameOf = (index) => `service-${index}`, applications = 1 }: Shape = {},
): object {
  const placeOf = (index: number) =>
    applications === 1 ? "scale" : `scale-${Math.floor((index * applications) / services)}`;
  const graph: Record<string, Application> = {};
  for (let index = 0; index < services; index++) {
    const name = nameOf(index);
    const place = placeOf(index);
    const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "scale" };
    const service: Service = {
      labels,
      serviceAccount: name,
      ports: [{ port: 80, targetPort: 8080, protocol: "HTTP" }],
      callers: Array.from({ length: callers }, (_, step) => {
        const caller = (index + 1 + step * Math.ceil(services / 7)) % services;
        const application = placeOf(caller);
        return { service: nameOf(caller), ...(application !== place && { application }) };
      }),
    };
    graph[place] ??= { namespace: place, services: {} };
    graph[place].services[name] = service;
  }
  return {
    global: { teleport: { clusterName: "example.teleport.sh", proxyAddr: "example.teleport.sh:443" } },
    mesh: { applications: graph },
  };
}
