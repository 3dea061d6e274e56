import { counted } from "../../base/count.ts";
import { known } from "../facts/facts.ts";
import { nameOf } from "../facts/meshed-pods.ts";
import type { RefusedCreation } from "../snapshot.ts";
import { type Check, type Finding, looked } from "./check.ts";
import { refusedPodsFinding } from "./refused-pods.ts";

/** What refuses pods, by the API server's words, and what to do about it. */
const FIXES: readonly [words: RegExp, hint: string][] = [
  [
    /istio-teleport-workload-identity/,
    "Change the pod template as the policy's words say; see admission-policy. For many workloads at once, see injection-template.",
  ],
  [
    /exceeded quota|must specify .* for:/,
    "Raise the namespace's ResourceQuota: each sidecar asks for CPU and memory, too.",
  ],
  [/violates PodSecurity/, "See pod-security: the sidecar counts, too."],
  [
    /failed calling webhook/,
    "Check that istiod runs (trust-domain): its webhook injects each pod of a meshed namespace.",
  ],
];

/** Such a workload may have no pod at all, so that no other check sees it. */
export const podCreation: Check = {
  id: "pod-creation",
  step: "socket",
  title: "The API server creates the pods of meshed namespaces and of tbot",
  run(facts) {
    const refused = known(facts.refusedCreations);
    const namespaces = new Set(facts.meshedNamespaces().map(({ metadata }) => metadata.name));
    const daemonSets = facts.tbotDaemonSets.ok ? facts.tbotDaemonSets.value : [];
    for (const { metadata } of daemonSets) namespaces.add(metadata.namespace);
    // gateway-api speaks of these.
    const gateways = facts.gatewayDeployments.ok ? facts.gatewayDeployments.value : [];
    const ofGateways = new Set(gateways.map(nameOf));
    const findings = refused
      .filter(({ namespace, owner }) => namespaces.has(namespace) && !ofGateways.has(`${namespace}/${owner?.name}`))
      .map(findingOf);
    return looked(
      namespaces.size,
      "meshed namespace",
      findings,
      `workloads of ${counted(namespaces.size, "namespace")}`,
    );
  },
};

function findingOf({ kind, namespace, name, owner, message }: RefusedCreation): Finding {
  // A Deployment is what people know; its ReplicaSet's name says no more.
  const subject = owner?.kind === "Deployment" ? owner : { kind, name };
  const hint =
    FIXES.find(([words]) => words.test(message))?.[1] ??
    `Run \`kubectl -n ${namespace} describe ${subject.kind.toLowerCase()} ${subject.name}\`, and change what the words name.`;
  return refusedPodsFinding(`${subject.kind} ${namespace}/${subject.name}`, message, hint);
}
