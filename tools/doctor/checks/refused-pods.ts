import { type Finding, problem } from "./check.ts";

/** What a workload says whose pods the API server does not create. */
export function refusedPodsFinding(subject: string, message: string | undefined, hint: string): Finding {
  return problem(subject, `its pods are refused: ${message || "no reason given"}`, hint);
}
