import { refusal } from "../stage/admission-attempt.ts";
import { clientPod } from "../stage/objects.ts";
import type { Scenario } from "./scenario.ts";

/** Nobody leaves Teleport's identities by an annotation and takes istiod's. */
export const optOut: Scenario = {
  id: "opt-out-refused",
  title: "A pod that opts out of the chart's injection template is refused",
  async show(stage) {
    if (stage.mesh.template !== undefined) {
      return { skipped: "pods choose the template themselves (istio.injection.scope is pod)" };
    }
    return refusal(stage, {
      what: "a pod with the annotation inject.istio.io/templates: sidecar",
      args: ["create", "--dry-run=server", "--filename=-"],
      object: clientPod(stage, "other-client", { annotations: { "inject.istio.io/templates": "sidecar" } }, "opts-out"),
      words: /istio-proxy does not mount/,
    });
  },
};
