import type { Service } from "../../../tools/values/types.ts";

/**
 * Values with one application, in which each service is called by the same number of others, far and near, and has a
 * label in common with all others, as charts set it.
 *
 * @param nameOf name of each service, which is that of its ServiceAccount, too
 */
export function largeValues(services: number, callers: number, nameOf = (index: number) => `service-${index}`): object {
  const entries = Array.from({ length: services }, (_, index): [string, Service] => {
    const name = nameOf(index);
    const labels = { "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "scale" };
    return [
      name,
      {
        labels,
        serviceAccount: name,
        ports: [{ port: 80, targetPort: 8080, protocol: "HTTP" }],
        callers: Array.from({ length: callers }, (_, step) => ({
          service: nameOf((index + 1 + step * Math.ceil(services / 7)) % services),
        })),
      },
    ];
  });
  return {
    global: { teleport: { clusterName: "example.teleport.sh", proxyAddr: "example.teleport.sh:443" } },
    mesh: { applications: { scale: { namespace: "scale", services: Object.fromEntries(entries) } } },
  };
}
