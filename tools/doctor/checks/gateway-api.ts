import { counted } from "../../base/count.ts";
import { page } from "../../base/documentation.ts";
import { known } from "../facts/facts.ts";
import { scopeText } from "../facts/injection-scope.ts";
import type { Facts } from "../facts/make-facts.ts";
import { nameOf } from "../facts/meshed-pods.ts";
import type { Deployment, Pod } from "../facts/objects.ts";
import { type Check, type Finding, problem } from "./check.ts";
import { refusedPodsFinding } from "./refused-pods.ts";

/** The label by which istiod finds what to merge into the Deployments it makes for gateways (Istio pilot/pkg/config/kube/gateway). */
const DEFAULTS_LABEL = "gateway.istio.io/defaults-for-class";
const CONFIG_MAP = "istio-teleport-gateway-api";

const UPGRADE = `Set mesh.gatewayApi.enabled: true and upgrade the chart's release: its ConfigMap ${CONFIG_MAP} gives such gateways the socket. istiod reads it in its own namespace (mesh.rootNamespace).`;

/** How a gateway that istiod makes gets the socket, if it can: the chart's ConfigMap is for one class, and for the whole mesh. */
export function gatewayApiHint(facts: Facts, gateway: Pod | Deployment): string {
  const ofClass = classOf(gateway);
  if (ofClass !== "istio") {
    return `Remove it: tbot's socket is for gateways of the class istio, and this one's is ${ofClass}. See ${page("docs/start/not-supported.md")}.`;
  }
  const scope = facts.injectionScope();
  if (scope.kind === "mesh") return UPGRADE;
  return `Give this gateway a ConfigMap of its own: the chart leaves its one out while the scope is ${scopeText(scope)}. See ${page("docs/operate/migration.md")}.`;
}

/** Class of the Gateway for which istiod made a pod or Deployment; older ones have no label of it. */
function classOf({ metadata }: Pod | Deployment): string {
  return metadata.labels?.["gateway.networking.k8s.io/gateway-class-name"] ?? "istio";
}

/** Name of the Gateway for which istiod made a pod or Deployment; absent where it is no such gateway's. */
export function gatewayApiName({ metadata }: Pod | Deployment): string | undefined {
  return metadata.labels?.["gateway.networking.k8s.io/gateway-name"];
}

export const gatewayApi: Check = {
  id: "gateway-api",
  step: "socket",
  title: "Gateways of the Kubernetes Gateway API get tbot's socket, and their pods are admitted",
  run(facts) {
    const deployments = known(facts.gatewayDeployments);
    if (deployments.length === 0) return { skipped: "there is no gateway of the Gateway API" };
    const needsDefaults =
      facts.injectionScope().kind === "mesh" && deployments.some((deployment) => classOf(deployment) === "istio");
    const findings = [...refusedPods(facts, deployments), ...(needsDefaults ? otherDefaults(facts) : [])];
    return { examined: counted(deployments.length, "gateway"), findings };
  },
};

/** Such a Deployment has no pod that another check could look at: what refused it is in its condition only. */
function refusedPods(facts: Facts, deployments: readonly Deployment[]): Finding[] {
  return deployments.flatMap((deployment): Finding[] => {
    const failure = deployment.status?.conditions?.find(
      ({ type, status }) => type === "ReplicaFailure" && status === "True",
    );
    if (failure === undefined) return [];
    return [refusedPodsFinding(nameOf(deployment), failure.message, gatewayApiHint(facts, deployment))];
  });
}

/** istiod takes the oldest ConfigMap with the label for a class: another one would be used instead of ours. */
function otherDefaults(facts: Facts): Finding[] {
  const all = known(facts.istioConfigMaps).filter(({ metadata }) => metadata.labels?.[DEFAULTS_LABEL] === "istio");
  const namespaces = [...new Set(facts.revisions().map(({ namespace }) => namespace))];
  return namespaces.flatMap((namespace): Finding[] => {
    const here = all
      .filter(({ metadata }) => metadata.namespace === namespace)
      .toSorted((a, b) => (a.metadata.creationTimestamp ?? "").localeCompare(b.metadata.creationTimestamp ?? ""));
    const [oldest] = here;
    if (oldest === undefined) {
      return [problem(`namespace ${namespace}`, `it has no ConfigMap labelled ${DEFAULTS_LABEL}: istio`, UPGRADE)];
    }
    if (oldest.metadata.name === CONFIG_MAP) return [];
    const hint = `Merge what ${CONFIG_MAP} says into it, or remove it, and restart istiod.`;
    return [
      problem(
        nameOf(oldest),
        `istiod takes the oldest ConfigMap labelled ${DEFAULTS_LABEL}, which is not the chart's`,
        hint,
      ),
    ];
  });
}
