import { counted } from "../../base/count.ts";
import { type Finding, problem, unknown } from "../../doctor/checks/check.ts";
import { callUntil, described } from "../stage/calls.ts";
import { certificatesInUse } from "../stage/certificates.ts";
import { nodePods } from "../stage/objects.ts";
import { type StagePod, stagePods, type Unready, untilReady } from "../stage/pods.ts";
import type { Stage } from "../stage/stage.ts";
import type { Scenario } from "./scenario.ts";
import { ownId, wrongWith } from "./wrong-certificate.ts";

const SERVER = "http://server/headers";

/** tbot, its socket and the kubelet are each node's own: one bad node makes pods wait that are scheduled there. */
export const everyNode: Scenario = {
  id: "every-node",
  title: "A workload on each node gets its own certificate and an answer",
  async show(stage) {
    const clients = nodePods(stage);
    const { names, total } = stage.nodes;
    if (names.length === 0) return { skipped: "no node takes pods" };
    const late = await untilReady(
      stage,
      clients.map(({ pod }) => pod),
    );
    const pods = await stagePods(stage);
    const results = await Promise.all(
      clients.map(({ node, pod }) => {
        const unready = late.find((each) => each.pod === pod);
        if (unready !== undefined) return [notStarted(node, unready)];
        return onNode(
          stage,
          node,
          pods.find(({ metadata }) => metadata.name === pod),
        );
      }),
    );
    const examined = `${names.length} of ${counted(total, "node")} that ${total === 1 ? "takes" : "take"} pods: ${names.join(", ")}`;
    return { examined, findings: results.flat() };
  },
};

async function onNode(stage: Stage, node: string, pod: StagePod | undefined): Promise<Finding[]> {
  const subject = `node ${node}`;
  if (pod === undefined) return [unknown(subject, "its client is gone", "Run the test again.")];
  const { last } = await callUntil(stage, pod.metadata.name, SERVER, 200);
  const [certified] = await certificatesInUse(stage, [pod]);
  const findings = wrongWith(subject, ownId(stage.mesh, stage.namespace, "allowed-client"), certified);
  // With a wrong certificate nobody is answered.
  if (findings.length > 0 || (last.kind === "answered" && last.status === 200)) return findings;
  const evidence = `its client called ${SERVER}: ${described(last)}`;
  return [
    last.kind === "answered"
      ? problem(subject, evidence, "Run `istio-teleport doctor`, and look at tbot's pod on this node.")
      : unknown(subject, evidence, "Check this node's network and its DNS, then run the test again."),
  ];
}

function notStarted(node: string, { reason, forProxy }: Unready): Finding {
  const subject = `node ${node}`;
  return forProxy
    ? problem(
        subject,
        `its client has no certificate: ${reason}, though it runs`,
        "Look at tbot's pod on this node and its log: `istio-teleport doctor` names what is wrong (tbot-nodes, attestation).",
      )
    : unknown(
        subject,
        `its client is not ready: ${reason}`,
        "Fix what it waits for, or leave the node out by a taint.",
      );
}
