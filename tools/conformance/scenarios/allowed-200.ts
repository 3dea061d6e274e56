import { problem, unknown } from "../../doctor/checks/check.ts";
import { callUntil, described } from "../stage/calls.ts";
import type { Scenario } from "./scenario.ts";

const SERVER = "http://server/headers";

/** The mesh works at all: two workloads with Teleport's identities talk to each other. */
export const allowed: Scenario = {
  id: "allowed-200",
  title: "A caller that the policy names gets an answer",
  async show(stage) {
    const { last, calls } = await callUntil(stage, "allowed-client", SERVER, 200);
    const examined = `allowed-client called ${SERVER}: ${described(last)}${calls > 1 ? `, call ${calls}` : ""}`;
    if (last.kind === "answered" && last.status === 200) return { examined, findings: [] };
    const finding =
      last.kind === "failed"
        ? unknown(
            "allowed-client",
            described(last),
            "Check the cluster's DNS and NetworkPolicies, then run the test again.",
          )
        : problem(
            "allowed-client",
            described(last),
            "Run `istio-teleport doctor`: client and server do not have identities of one trust domain, or do not trust each other's.",
          );
    return { examined, findings: [finding] };
  },
};
