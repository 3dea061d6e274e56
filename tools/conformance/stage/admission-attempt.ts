import { type Outcome, problem, unknown } from "../../doctor/checks/check.ts";
import { POLICY_NAME } from "../../doctor/gather/admission.ts";
import { kubectlCommand } from "../../programs/cluster-commands.ts";
import { lastWords } from "../../programs/last-words.ts";
import type { Stage } from "./stage.ts";

/** Something that the admission policy has to refuse. */
export interface Attempt {
  /** What the API server gets: "a pod without the chart's injection template". */
  what: string;
  /** Arguments of kubectl; a dry run, so that nothing is left when it succeeds. */
  args: readonly string[];
  /** The object. */
  object: object;
  /** Words of the policy's message: a refusal for another reason would hide that this one is missing. */
  words: RegExp;
}

const DENIED = new RegExp(`ValidatingAdmissionPolicy '${POLICY_NAME}' .*denied request: (.*)`);

/** Tries it as a dry run on the server, which takes every step of admission and stores nothing. */
export async function refusal(stage: Stage, { what, args, object, words }: Attempt): Promise<Outcome> {
  if (!stage.mesh.admission) return { skipped: "layer c is off (--without-admission)" };
  const command = kubectlCommand(stage.access, args, JSON.stringify(object));
  const { code, stderr } = await stage.access.runner.run(command, { purpose: `try ${what}` });
  stage.stop.throwIfAborted();
  const examined = `dry run of ${what}`;
  if (code === 0) {
    const hint = `Compare the ValidatingAdmissionPolicy ${POLICY_NAME} and its binding with \`istio-teleport render\`, and upgrade the chart.`;
    return { examined, findings: [problem("API server", `it would admit ${what}`, hint)] };
  }
  const reason = DENIED.exec(stderr.replaceAll("\n", " "))?.[1];
  if (reason !== undefined && words.test(reason)) {
    return { examined: `${examined}: refused, "${cut(reason)}"`, findings: [] };
  }
  const evidence = `${what} was refused for another reason: ${cut(reason ?? lastWords(stderr))}`;
  const hint = "Exempt the namespaces istio-teleport-test-* from what refused it, and run the test again.";
  return { examined, findings: [unknown("API server", evidence, hint)] };
}

/** Characters of a refusal that are quoted; its first sentence says why, the rest what to do. */
const QUOTED = 160;

function cut(text: string): string {
  const trimmed = text.trim();
  return trimmed.length > QUOTED ? `${trimmed.slice(0, QUOTED)}…` : trimmed;
}
