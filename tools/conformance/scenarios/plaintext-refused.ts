import { problem, unknown } from "../../doctor/checks/check.ts";
import { call, described } from "../stage/calls.ts";
import { SERVER_PORT } from "../stage/pod-objects.ts";
import { stagePods } from "../stage/pods.ts";
import type { Scenario } from "./scenario.ts";

/** Nobody without an identity is heard: the server's own pod, not its Service, since a policy must not be what saves it. */
export const plaintext: Scenario = {
  id: "plaintext-refused",
  title: "A caller without a sidecar is refused",
  async show(stage) {
    const server = (await stagePods(stage)).find(({ metadata }) => metadata.name === "server");
    const address = server?.status.podIP ?? "";
    const host = address.includes(":") ? `[${address}]` : address;
    const url = `http://${host}:${SERVER_PORT}/headers`;
    const answer = await call(stage, "plaintext-client", url);
    const examined = `plaintext-client called ${url}: ${described(answer)}`;
    if (answer.kind === "ended") return { examined, findings: [] };
    const finding =
      answer.kind === "answered"
        ? problem(
            "server",
            `plaintext was ${described(answer)}`,
            "Require mutual TLS: look for a PeerAuthentication that permits plaintext (doctor: strict-mtls), and whether the server has its sidecar.",
          )
        : unknown(
            "plaintext-client",
            described(answer),
            "Let pods of this namespace reach each other: a NetworkPolicy in between hides what the sidecar does.",
          );
    return { examined, findings: [finding] };
  },
};
