import { ExitError } from "../base/exit-error.ts";
import { type Finding, type Outcome, unknown } from "../doctor/checks/check.ts";
import { type Status, worst } from "../doctor/diagnose.ts";
import { CouldNotLook } from "../doctor/facts/facts.ts";
import type { Scenario } from "./scenarios/scenario.ts";
import type { Stage } from "./stage/stage.ts";

/** What a scenario showed. */
export interface Shown {
  scenario: Pick<Scenario, "id" | "title">;
  /** As doctor's: `problem` where the promise is broken, `unknown` where it could not be shown. */
  status: Status;
  /** What was asked and answered; of `skipped`, why. */
  evidence: string;
  findings: Finding[];
  /** How long it took. */
  seconds: number;
}

/**
 * Shows one scenario after the other; none stops another but the first, without which no other can be shown.
 *
 * @param told is told of each before it begins, and when it has ended
 * @throws Interrupted after Ctrl-C
 */
export async function play(
  plan: readonly Scenario[],
  stage: Stage,
  told: { begins(scenario: Scenario, index: number): void; ended(shown: Shown): void },
): Promise<Shown[]> {
  const all: Shown[] = [];
  for (const [index, scenario] of plan.entries()) {
    told.begins(scenario, index);
    const start = performance.now();
    const isHopeless = all[0] !== undefined && all[0].status !== "ok";
    const outcome = isHopeless ? { skipped: `see ${plan[0]?.id}` } : await outcomeOf(scenario, stage);
    // What Ctrl-C broke off has shown nothing.
    stage.stop.throwIfAborted();
    const seconds = Math.round((performance.now() - start) / 100) / 10;
    const shown = { scenario, ...judged(outcome), seconds };
    told.ended(shown);
    all.push(shown);
  }
  return all;
}

async function outcomeOf(scenario: Scenario, stage: Stage): Promise<Outcome> {
  try {
    return await scenario.show(stage);
  } catch (error) {
    if (!(error instanceof ExitError || error instanceof CouldNotLook)) throw error;
    const hint = "Fix what this scenario needs first, and run the test again.";
    return {
      examined: "could not be shown",
      findings: [unknown("this scenario", error.message.replace(/\.$/, ""), hint)],
    };
  }
}

function judged(outcome: Outcome): Pick<Shown, "status" | "evidence" | "findings"> {
  if ("skipped" in outcome) return { status: "skipped", evidence: outcome.skipped, findings: [] };
  const { examined, findings } = outcome;
  return { status: worst(findings), evidence: examined, findings };
}
