import { exitCode } from "../../doctor/diagnose.ts";
import { jsonText } from "../../doctor/reports/json-text.ts";
import type { Shown } from "../play.ts";

/** Where and when it was shown. */
export interface Occasion {
  /** RFC 3339. */
  startedAt: string;
  /** The cluster, for people. */
  cluster: string;
  namespace: string;
  trustDomain: string;
  /** Istio's revision that injected the pods. */
  revision: string;
}

/** The report for programs, and for an auditor to keep. */
export function jsonReport(all: readonly Shown[], occasion: Occasion): string {
  return jsonText({
    schemaVersion: 1,
    ...occasion,
    exitCode: exitCode(all),
    scenarios: all.map(({ scenario, ...rest }) => ({ id: scenario.id, title: scenario.title, ...rest })),
  });
}
