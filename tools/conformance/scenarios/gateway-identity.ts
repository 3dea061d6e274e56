import { counted } from "../../base/count.ts";
import { isRecord } from "../../base/json-value.ts";
import { unknown } from "../../doctor/checks/check.ts";
import { isReady, known } from "../../doctor/facts/facts.ts";
import { isInScope } from "../../doctor/facts/injection-scope.ts";
import { isGateway, isMeshed, nameOf } from "../../doctor/facts/meshed-pods.ts";
import type { Pod } from "../../doctor/facts/objects.ts";
import { isPod } from "../../programs/kubernetes-objects.ts";
import { certificatesInUse } from "../stage/certificates.ts";
import type { Stage } from "../stage/stage.ts";
import type { Scenario } from "./scenario.ts";
import { ownId, wrongWith } from "./wrong-certificate.ts";

/** Gateways that are looked at; of a hundred replicas ten are enough. */
const MOST = 10;

/** Gateways are the cluster's own: the stage has none, since a load balancer may cost money. */
export const gateway: Scenario = {
  id: "gateway-identity",
  title: "Each gateway's certificate is Teleport's and names its own namespace and service account",
  async show(stage) {
    const gateways = await runningGateways(stage);
    if (gateways.length === 0) return { skipped: "there is no gateway" };
    const chosen = gateways.filter(isReady).slice(0, MOST);
    const certified = await certificatesInUse(stage, chosen);
    const findings = chosen.flatMap((pod) => {
      const wanted = ownId(stage.mesh, pod.metadata.namespace, pod.spec.serviceAccountName ?? "default");
      return wrongWith(
        nameOf(pod),
        wanted,
        certified.find((each) => nameOf(each.pod) === nameOf(pod)),
      );
    });
    // Without a certificate a gateway does not get ready: to pass over it would be to pass over what this looks for.
    const waiting = gateways
      .filter((pod) => !isReady(pod))
      .map((pod) => unknown(nameOf(pod), "it is not ready", WAITS));
    const names = chosen.length === 0 ? "" : `: ${chosen.map(nameOf).join(", ")}`;
    const examined = `${chosen.length} of ${counted(gateways.length, "gateway pod")}${names}`;
    return { examined, findings: [...findings, ...waiting] };
  },
};

const WAITS =
  "Run `istio-teleport doctor`: proxy-certificate and tbot-nodes tell whether it waits for a certificate. Then run the test again.";

async function runningGateways({ api, mesh, stop }: Stage): Promise<Pod[]> {
  const pods = known(await api.list("/api/v1/pods", isRunningPod));
  stop.throwIfAborted();
  return pods
    .filter(isLive)
    .filter((pod) => isMeshed(pod) && isGateway(pod) && isInScope(mesh.scope, pod))
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

/** Not finished, and not on its way out: such a pod is not to get ready any more. */
function isLive({ metadata, status }: Pod): boolean {
  return metadata.deletionTimestamp === undefined && status.phase !== "Succeeded" && status.phase !== "Failed";
}

function isRunningPod(value: unknown): value is Pod {
  return isPod<Pod>(value) && isRecord(value.status);
}
