type Labels = Readonly<Record<string, string>>;

/**
 * Whether Istio injects the pods of a namespace: `istio-injection` decides, and a revision counts only where it says
 * nothing (Istio manifests/charts/istio-control/istio-discovery/templates/mutatingwebhook.yaml: namespace selectors).
 */
export function isMeshedNamespace(labels: Labels = {}): boolean {
  const injection = labels["istio-injection"];
  return injection === "enabled" || (injection === undefined && labels["istio.io/rev"] !== undefined);
}
