import { refusal } from "../stage/admission-attempt.ts";
import { clientPod } from "../stage/objects.ts";
import type { Scenario } from "./scenario.ts";

/** Who could write to tbot's socket directory could put a socket of its own there, and hand out identities. */
export const writableMount: Scenario = {
  id: "writable-mount-refused",
  title: "A pod that mounts the socket directory writable is refused",
  show: (stage) =>
    refusal(stage, {
      what: `a pod that mounts ${stage.mesh.protectedDirectory} writable`,
      args: ["create", "--dry-run=server", "--filename=-"],
      object: clientPod(
        stage,
        "other-client",
        {
          volumes: [{ name: "sockets", hostPath: { path: stage.mesh.protectedDirectory } }],
          volumeMounts: [{ name: "sockets", mountPath: "/sockets" }],
        },
        "writes",
      ),
      // In the socket mode csi no pod may mount the directory at all.
      words: /writable|may mount no hostPath/,
    }),
};
