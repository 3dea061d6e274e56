import { ExitError } from "../base/exit-error.ts";
import { type Check, type CheckInfo, type Finding, type Outcome, unknown } from "./checks/check.ts";
import { CouldNotLook } from "./facts/facts.ts";

/**
 * `ok`: as it should be; `warning`: works, with a risk; `problem`: broken or open; `unknown`: could not look;
 * `skipped`: there is nothing to check, or an input was not given.
 */
export type Status = "ok" | "warning" | "problem" | "unknown" | "skipped";

/** What a check found. */
export interface Result {
  check: CheckInfo;
  status: Status;
  /** What was looked at; of `skipped` and of a check that could not look at all, why. */
  examined: string;
  findings: Finding[];
}

/** Runs every check; none stops another. */
export function diagnose<F>(checks: readonly Check<F>[], facts: F): Result[] {
  return checks.map((check) => {
    const outcome = outcomeOf(check, facts);
    if ("skipped" in outcome) return { check, status: "skipped", examined: outcome.skipped, findings: [] };
    return { check, status: worst(outcome.findings), ...outcome };
  });
}

/** The documented exit code: 1 with a problem, else 2 when something could not be checked, else 0. */
export function exitCode(results: readonly Pick<Result, "status">[]): 0 | 1 | 2 {
  if (results.some(({ status }) => status === "problem")) return 1;
  return results.some(({ status }) => status === "unknown") ? 2 : 0;
}

function outcomeOf<F>(check: Check<F>, facts: F): Outcome {
  try {
    return check.run(facts);
  } catch (error) {
    // ExitError is what readers of keys and documents throw: what the cluster holds is not what they take.
    const isExpected = error instanceof CouldNotLook || error instanceof ExitError;
    const said = (error instanceof Error ? error.message : String(error)).replace(/\.$/, "");
    const finding = isExpected
      ? unknown("this check", said, "Fix what this check needs first, or have the permission granted, and look again.")
      : // An object that nobody foresaw must not take the other checks' answers away from whoever was paged.
        unknown(
          "this check",
          `it met an object that it does not understand: ${said}`,
          "Report it, with your versions.",
        );
    return { examined: "could not look", findings: [finding] };
  }
}

/** What findings make of a whole: the worst of them. */
export function worst(findings: readonly Finding[]): Status {
  const order = ["problem", "unknown", "warning"] as const;
  return order.find((status) => findings.some((finding) => finding.status === status)) ?? "ok";
}
