import { worst } from "../doctor/diagnose.ts";
import type { Check, Layer } from "./document.ts";

/** The fail-closed layers (docs/explain/security.md) and the checks that look at each. */
const LAYERS = [
  {
    id: "a",
    title: "Pods reach only Teleport’s socket, read-only; without tbot they wait",
    checks: ["injection-template", "socket-path", "proxy-mount", "gateway-mount", "opted-out", "socket-writers"],
  },
  { id: "b", title: "istiod’s own CA signs nothing usable", checks: ["istiod-ca"] },
  { id: "c", title: "Admission refuses pods that could take the socket over", checks: ["admission-policy"] },
] as const;

/** The three layers, judged by doctor's checks. A layer that no check could look at is `skipped`. */
export function layersOf(all: readonly Check[]): Layer[] {
  return LAYERS.map(({ id, title, checks: ids }): Layer => {
    const own = all.filter((check) => ids.some((wanted) => wanted === check.id) && check.status !== "skipped");
    const findings = own.flatMap((check) => check.findings);
    const skipped = all.filter((check) => ids.some((wanted) => wanted === check.id) && check.status === "skipped");
    return {
      id,
      title,
      status: own.length === 0 ? "skipped" : worst(findings),
      evidence: [
        ...own.map((check) => `${check.id}: ${check.examined}`),
        ...findings.map(({ subject, evidence }) => `${subject}: ${evidence}`),
        ...(own.length === 0 ? skipped.map((check) => `${check.id}: ${check.examined}`) : []),
      ],
      checks: [...ids],
    };
  });
}
