/** Names of the metrics that a PromQL expression reads, as far as this chart's expressions go. */
export function metricsIn(expression: string): string[] {
  // What may hold names of labels: selectors, and lists behind by, on and without.
  const bare = expression.replaceAll(/"[^"]*"/g, "").replaceAll(/\{[^}]*\}|\b(?:by|on|without) *\([^)]*\)/g, " ");
  return [...bare.matchAll(/\b(?:up|(?:tbot|grpc|istio|envoy|kube|process)_\w+)\b/g)].map(([name]) => name);
}
