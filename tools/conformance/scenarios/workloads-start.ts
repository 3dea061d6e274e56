import { counted } from "../../base/count.ts";
import { problem, unknown } from "../../doctor/checks/check.ts";
import { SERVICES } from "../stage/callers.ts";
import { untilReady } from "../stage/pods.ts";
import type { Scenario } from "./scenario.ts";

/** Milliseconds in which the mesh may tell every proxy of pods that have just become ready. */
const SETTLING = 30_000;

const PODS = [...SERVICES, "plaintext-client"];

/** A sidecar is ready when it has its certificate; without these pods nothing else can be shown. */
export const workloadsStart: Scenario = {
  id: "workloads-start",
  title: "Workloads get their certificates and start",
  async show(stage) {
    const start = Date.now();
    const late = await untilReady(stage, PODS);
    stage.settledBy = Date.now() + SETTLING;
    const seconds = Math.round((Date.now() - start) / 1000);
    if (late.length === 0) return { examined: `${counted(PODS.length, "pod")} ready after ${seconds} s`, findings: [] };
    const findings = late.map(({ pod, reason, forProxy }) =>
      forProxy
        ? problem(
            pod,
            `not ready after ${seconds} s: ${reason}, though it runs: it has no certificate`,
            "Run `istio-teleport doctor`: tbot-nodes, tbot-health and attestation tell why no certificate comes.",
          )
        : unknown(
            pod,
            `not ready after ${seconds} s: ${reason}`,
            "Fix what the pod waits for. If it is an image, name one that the nodes can pull (--image, --server-image, --image-pull-secret). To look at the pods, run the test again with --keep.",
          ),
    );
    return { examined: `${PODS.length - late.length} of ${counted(PODS.length, "pod")} ready`, findings };
  },
};
