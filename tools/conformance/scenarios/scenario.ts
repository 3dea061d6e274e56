import type { Outcome } from "../../doctor/checks/check.ts";
import type { Stage } from "../stage/stage.ts";

/** One promise, and how it is shown on a live cluster. */
export interface Scenario {
  /** Stable: reports and scripts go by it. */
  id: string;
  /** The promise, a sentence without its full stop. */
  title: string;
  /**
   * Shows it. `examined` of the outcome is the evidence: what was asked, and what was answered.
   *
   * @throws ExitError (unavailable) or CouldNotLook when the cluster did not let it try
   */
  show(stage: Stage): Promise<Outcome>;
}
