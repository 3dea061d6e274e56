import { refusal } from "../stage/admission-attempt.ts";
import { clientPod } from "../stage/pod-objects.ts";
import type { Scenario } from "./scenario.ts";

/** Who could write to tbot's socket directory could put a socket of its own there, and hand out identities. */
export const writableMount: Scenario = {
  id: "writable-mount-refused",
  title: "A pod that mounts the socket directory writable is refused",
  show(stage) {
    const { socketVolume } = stage.mesh;
    // The volume by which this mesh's sidecars get at it: any other one Pod Security may refuse before.
    const [what, volume] =
      "driver" in socketVolume
        ? [
            `a pod that mounts a volume of the CSI driver ${socketVolume.driver} writable`,
            { csi: { driver: socketVolume.driver, readOnly: true } },
          ]
        : [`a pod that mounts ${socketVolume.path} writable`, { hostPath: { path: socketVolume.path } }];
    const difference = {
      volumes: [{ name: "sockets", ...volume }],
      volumeMounts: [{ name: "sockets", mountPath: "/sockets" }],
    };
    return refusal(stage, {
      what,
      args: ["create", "--dry-run=server", "--filename=-"],
      object: clientPod(stage, "other-client", difference, "writes"),
      words: /writable/,
    });
  },
};
