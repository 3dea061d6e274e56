type Labels = Readonly<Record<string, string>>;

/**
 * Whether Istio injects the pods of a namespace: `istio-injection` decides, and a revision counts only where it says
 * nothing (Istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml: namespace selectors).
 */
export function isMeshedNamespace(labels: Labels = {}): boolean {
  const injection = labels["istio-injection"];
  return injection === "enabled" || (injection === undefined && labels["istio.io/rev"] !== undefined);
}

/** The parts of a pod's specification that are read here. */
interface Containers<C> {
  readonly containers: readonly C[];
  readonly initContainers?: readonly C[];
}

/** Name of Istio's proxy in every injection template. */
export const PROXY_CONTAINER = "istio-proxy";

/**
 * Istio's proxies in a pod: the container of that name, or the native sidecar, in sidecars, gateways and
 * waypoints alike. Labels and annotations of the pod don't count: they ask for a proxy, the container is one. The
 * admission policy's variable `proxies` is the same rule.
 */
export function proxiesOf<C extends { readonly name: string }>({ containers, initContainers }: Containers<C>): C[] {
  return [...containers, ...(initContainers ?? [])].filter(({ name }) => name === PROXY_CONTAINER);
}
