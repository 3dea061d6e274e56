import type { FakeRelease } from "./fake-state.ts";

/**
 * A release that was installed and never touched again.
 *
 * @param chart name and version as Helm lists them: "istiod-1.31.0"
 * @param values what its user set
 */
export function deployedRelease(chart: string, namespace: string, values: object = {}): FakeRelease {
  return {
    namespace,
    chart,
    status: "deployed",
    revision: 1,
    updated: "2026-01-01T00:00:00Z",
    values,
    manifest: "",
  };
}
