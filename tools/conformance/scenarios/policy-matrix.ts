import { counted } from "../../base/count.ts";
import { type Finding, problem, unknown } from "../../doctor/checks/check.ts";
import { mayCall, SERVICES, type ServiceName } from "../stage/callers.ts";
import { type Call, callUntil, described, isAnswer } from "../stage/calls.ts";
import type { Scenario } from "./scenario.ts";

interface Pair {
  from: ServiceName;
  to: ServiceName;
}

const PAIRS: readonly Pair[] = SERVICES.flatMap((from) =>
  SERVICES.filter((to) => to !== from).map((to) => ({ from, to })),
);

/** Policies of a graph allow its edges and nothing else: neither the way back, nor a caller's caller. */
export const matrix: Scenario = {
  id: "policy-matrix",
  title: "Of all pairs of services exactly those call each other whom the policies name",
  async show(stage) {
    const results = await Promise.all(
      PAIRS.map(async (pair) => {
        const wanted: 200 | 403 = mayCall(pair.from, pair.to) ? 200 : 403;
        const { last } = await callUntil(stage, pair.from, `http://${pair.to}/headers`, wanted);
        return { pair, wanted, last };
      }),
    );
    const findings = results.flatMap(({ pair, wanted, last }) => findingOf(pair, wanted, last) ?? []);
    const allowed = PAIRS.filter(({ from, to }) => mayCall(from, to)).length;
    const examined = `${counted(PAIRS.length, "pair")} of ${SERVICES.length} services called, ${allowed} of them allowed`;
    return { examined, findings };
  },
};

function findingOf({ from, to }: Pair, wanted: 200 | 403, last: Call): Finding | undefined {
  if (isAnswer(last, wanted)) return undefined;
  const subject = `${from} to ${to}`;
  const evidence = `${described(last)} in place of ${wanted}`;
  return isAnswer(last, wanted === 200 ? 403 : 200)
    ? problem(
        subject,
        evidence,
        "Compare the AuthorizationPolicies that select these pods with those that the run made.",
      )
    : unknown(subject, evidence, "See allowed-200: services have to answer before policies can be told apart.");
}
