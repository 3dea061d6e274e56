/** Name of the chart's release; docs/start/installation.md uses the same. */
export const CHART_RELEASE = "istio-teleport";

/** Names of Istio's releases; docs/start/installation.md uses the same. */
export const ISTIO_RELEASES = { base: "istio-base", istiod: "istiod" } as const;
