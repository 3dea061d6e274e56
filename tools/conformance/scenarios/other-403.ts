import { problem, unknown } from "../../doctor/checks/check.ts";
import { callUntil, described } from "../stage/calls.ts";
import type { Scenario } from "./scenario.ts";

const SERVER = "http://server/headers";

/** Policies tell identities apart. */
export const other: Scenario = {
  id: "other-403",
  title: "A caller that the policy does not name is refused",
  async show(stage) {
    const { last, calls } = await callUntil(stage, "other-client", SERVER, 403);
    const examined = `other-client called ${SERVER}: ${described(last)}${calls > 1 ? `, call ${calls}` : ""}`;
    if (last.kind === "answered" && last.status === 403) return { examined, findings: [] };
    const finding =
      last.kind === "answered" && last.status < 400
        ? problem(
            "other-client",
            described(last),
            "Look for AuthorizationPolicies that allow more (action ALLOW or CUSTOM) in Istio's root namespace, and for namespaces without injection.",
          )
        : unknown("other-client", described(last), "See allowed-200: the server has to answer before it can refuse.");
    return { examined, findings: [finding] };
  },
};
