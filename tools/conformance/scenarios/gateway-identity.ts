import { isRecord } from "../../base/json-value.ts";
import { count } from "../../doctor/checks/check.ts";
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
    const gateways = await readyGateways(stage);
    if (gateways.length === 0) return { skipped: "no gateway is ready" };
    const chosen = gateways.slice(0, MOST);
    const certified = await certificatesInUse(stage, chosen);
    const findings = chosen.flatMap((pod) => {
      const wanted = ownId(stage.mesh, pod.metadata.namespace, pod.spec.serviceAccountName ?? "default");
      return wrongWith(
        nameOf(pod),
        wanted,
        certified.find((each) => nameOf(each.pod) === nameOf(pod)),
      );
    });
    const examined = `${chosen.length} of ${count(gateways.length, "gateway pod")}: ${chosen.map(nameOf).join(", ")}`;
    return { examined, findings };
  },
};

async function readyGateways({ api, mesh, stop }: Stage): Promise<Pod[]> {
  const pods = known(await api.list("/api/v1/pods", isRunningPod));
  stop.throwIfAborted();
  return pods
    .filter((pod) => isMeshed(pod) && isGateway(pod) && isReady(pod) && isInScope(mesh.scope, pod))
    .toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
}

function isRunningPod(value: unknown): value is Pod {
  return isPod<Pod>(value) && isRecord(value.status);
}
