import { type Outcome, problem } from "../../doctor/checks/check.ts";
import { spiffeIdIn } from "../../doctor/facts/certificates.ts";
import { kubectl } from "../../programs/kubectl.ts";
import { refusal } from "../stage/admission-attempt.ts";
import { certificatesInUse } from "../stage/certificates.ts";
import { clientPod } from "../stage/pod-objects.ts";
import { stagePods, untilReady } from "../stage/pods.ts";
import type { Stage } from "../stage/stage.ts";
import type { Scenario } from "./scenario.ts";

const NAME = "opts-out";

/** Seconds in which a sidecar that gets a certificate is ready; one that gets none is given as long. */
const WATCHED = 20;

/** Nobody leaves Teleport's identities by an annotation and takes istiod's. */
export const optOut: Scenario = {
  id: "opt-out-refused",
  title: "A pod that opts out of the chart's injection template is refused, or gets no certificate",
  async show(stage) {
    if (stage.mesh.scope.kind === "pod") {
      return { skipped: "pods choose the template themselves (istio.injection.scope is pod)" };
    }
    const object = clientPod(stage, "other-client", { annotations: { "inject.istio.io/templates": "sidecar" } }, NAME);
    if (!stage.mesh.admission) return started(stage, object);
    return refusal(stage, {
      what: "a pod with the annotation inject.istio.io/templates: sidecar",
      args: ["create", "--dry-run=server", "--filename=-"],
      object,
      words: /istio-proxy does not mount/,
    });
  },
};

/** Where nobody refuses it, layer b must keep it from a certificate that is good for anything. */
async function started(stage: Stage, object: object): Promise<Outcome> {
  await kubectl(stage.access, "create a pod that opts out", ["create", "--filename=-"], {
    stdin: JSON.stringify(object),
  });
  const late = await untilReady({ ...stage, timeout: WATCHED }, [NAME]);
  if (late.length > 0) {
    return { examined: `a pod that opts out got no certificate within ${WATCHED} s: ${late[0]?.reason}`, findings: [] };
  }
  const [certified] = await certificatesInUse(
    stage,
    (await stagePods(stage)).filter(({ metadata }) => metadata.name === NAME),
  );
  const id = certified === undefined ? "nobody" : spiffeIdIn(certified.leaf);
  const whose = certified?.issuer === "teleport" ? "Teleport's" : "istiod's";
  const hint =
    "Set istio.blockIstiodCertificates and mesh.admission.enabled to true, and upgrade istiod and the chart.";
  const evidence = `it is ready with a certificate of ${whose} CA that names ${id}`;
  return { examined: "a pod that opts out", findings: [problem(NAME, evidence, hint)] };
}
