import { counted } from "../../base/count.ts";
import type { Facts } from "../facts/make-facts.ts";

/** What comes before an installation, then the hand-offs of docs/explain/architecture.md, in the order of the checks. */
export const STEPS = {
  before: "Before an installation",
  cluster: "The cluster",
  join: "1 tbot joins Teleport",
  socket: "2 Proxies reach tbot's socket, and nobody else writes there",
  attestation: "3 tbot attests the caller",
  identity: "4 Teleport issues the identity that Istio expects",
  policy: "5 Peers and policies check it",
  renewal: "6 Certificates are replaced in time",
} as const;

export type Step = keyof typeof STEPS;

/** One thing that is not as it should be, or could not be looked at. */
export interface Finding {
  /** `problem`: broken or open; `warning`: works, with a risk; `unknown`: could not look. */
  status: "problem" | "warning" | "unknown";
  /** What it is about: a node, a pod as namespace/name, a policy. */
  subject: string;
  /** What was seen. */
  evidence: string;
  /** What to do, an imperative sentence. */
  hint: string;
}

/** What a check has to say. */
export type Outcome =
  | {
      /** One clause on what was looked at: "2 nodes with meshed pods". */
      examined: string;
      findings: Finding[];
    }
  | {
      /** Why there was nothing to check: an input that was not given, a feature that is not used. */
      skipped: string;
    };

/** What reports say of a check. */
export interface CheckInfo {
  /** Stable; the heading of its section in docs/operate/troubleshooting.md. */
  id: string;
  step: Step;
  /** The healthy state, a sentence without its full stop. */
  title: string;
  /**
   * Id of the check that tells what this one could not see, as proxies that did not answer: alone this one's `ok` would
   * say too much, so `--only` adds it.
   */
  restsOn?: string;
}

/** A check of one hand-off; a pure function of the facts. */
export interface Check<F = Facts> extends CheckInfo {
  /** @throws CouldNotLook when what it needs could not be read */
  run(facts: F): Outcome;
}

export function problem(subject: string, evidence: string, hint: string): Finding {
  return { status: "problem", subject, evidence, hint };
}

export function warning(subject: string, evidence: string, hint: string): Finding {
  return { status: "warning", subject, evidence, hint };
}

export function unknown(subject: string, evidence: string, hint: string): Finding {
  return { status: "unknown", subject, evidence, hint };
}

/**
 * The outcome of a check that looks at so many of a thing. An `ok` over none would promise what nobody saw.
 *
 * @param noun in the singular
 * @param examined default: "2 pods"
 */
export function looked(amount: number, noun: string, findings: Finding[], examined = counted(amount, noun)): Outcome {
  return amount === 0 && findings.length === 0 ? { skipped: `nothing to look at: no ${noun}` } : { examined, findings };
}
