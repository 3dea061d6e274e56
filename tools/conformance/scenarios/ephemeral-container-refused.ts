import { CouldNotLook, known } from "../../doctor/facts/facts.ts";
import { proxyMount } from "../../doctor/facts/meshed-pods.ts";
import type { Pod } from "../../doctor/facts/objects.ts";
import { refusal } from "../stage/admission-attempt.ts";
import { safe } from "../stage/pod-objects.ts";
import type { Stage } from "../stage/stage.ts";
import type { Scenario } from "./scenario.ts";

/** Who may debug a pod gets no writable mount of the socket by it, though the pod itself was admitted. */
export const ephemeralContainer: Scenario = {
  id: "ephemeral-container-refused",
  title: "An ephemeral container that mounts the socket's volume writable is refused",
  async show(stage) {
    const { namespace, images, mesh } = stage;
    const path = `/api/v1/namespaces/${namespace}/pods/server`;
    const { pod, volume } = await serverWithSocket(stage, path);
    const debug = {
      name: "debug",
      image: images.client,
      command: ["sleep", "1"],
      volumeMounts: [{ name: volume, mountPath: "/sockets" }],
      securityContext: safe(mesh),
    };
    return refusal(stage, {
      what: `an ephemeral container in the pod server that mounts its volume ${volume} writable`,
      args: ["replace", `--raw=${path}/ephemeralcontainers?dryRun=All`, "--filename=-"],
      object: { ...pod, metadata: withoutVersion(pod), spec: { ...pod.spec, ephemeralContainers: [debug] } },
      words: /writable/,
    });
  },
};

/** The kubelet may have written the pod's status meanwhile: that conflict must not be what refuses it. */
function withoutVersion({ metadata }: Pod): object {
  return { ...metadata, resourceVersion: undefined };
}

async function serverWithSocket({ api, stop }: Stage, path: string): Promise<{ pod: Pod; volume: string }> {
  const pod = known(await api.get<Pod>(path));
  stop.throwIfAborted();
  const volume = pod && proxyMount(pod)?.name;
  if (pod === undefined || volume === undefined) {
    throw new CouldNotLook("the proxy of the pod server does not mount tbot's socket (see own-identity)");
  }
  return { pod, volume };
}
