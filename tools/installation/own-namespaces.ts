/** Labels of a namespace that `install` makes. Those that the chart makes carry the first one and Helm's annotations. */
export const OWN_NAMESPACE_LABELS = {
  "app.kubernetes.io/part-of": "istio-teleport",
  "app.kubernetes.io/managed-by": "istio-teleport",
} as const;
