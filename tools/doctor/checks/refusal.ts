import { PERMISSION_MISSING } from "../../programs/kube-api/read.ts";
import type { Pod } from "../facts/objects.ts";
import type { MeshProxy } from "../snapshot.ts";

const CREATE_RESOURCES =
  "Run `istio-teleport render teleport -f values.yaml | tctl create -f`: the workload identity is not there, or the role does not allow it.";

/** A lock ends what tbot has and refuses what it asks for (Teleport lib/services/lock.go). */
export const LOCKED: [words: RegExp, hint: string] = [
  /lock targeting/,
  "Somebody locked the bot: `tctl get locks` says why. When the reason is gone, run `tctl rm lock/NAME`.",
];

/** What to do about a reason for which tbot ended a stream, by words of Teleport's (lib/auth/machineid/workloadidentityv1). */
const FIXES: readonly [words: RegExp, hint: string][] = [
  [
    /no matching rule found/,
    "See attestation first: a pod that tbot did not attest matches no rule. Nor does one in a namespace that global.teleport.workloadIdentity.allowedNamespaces does not list, nor a bot that joined with another token than this cluster's. Otherwise compare spec.rules of the workload identity with `istio-teleport render teleport`.",
  ],
  LOCKED,
  [/doesn't exist|access denied to perform|access to workload_identity denied/, CREATE_RESOURCES],
];

/**
 * What Envoy's log adds to a finding about a proxy without an identity or a stream.
 *
 * @param evidence a clause
 * @param otherwise the hint where the log says nothing that is known
 */
export function withRefusal(
  evidence: string,
  otherwise: string,
  pod: Pod,
  refusal: MeshProxy["refusal"],
): { evidence: string; hint: string } {
  const { namespace, name } = pod.metadata;
  if (refusal === undefined) {
    const command = `kubectl -n ${namespace} logs ${name} -c istio-proxy | grep StreamSecrets`;
    return { evidence, hint: `${otherwise} Envoy's log may have the reason: \`${command}\`.` };
  }
  if (!refusal.ok) {
    const hint = refusal.reason.startsWith(PERMISSION_MISSING)
      ? `Grant get on pods/log in ${namespace}, so that doctor can read the reason. ${otherwise}`
      : otherwise;
    return { evidence: `${evidence}; Envoy's log could not be read: ${refusal.reason}`, hint };
  }
  const words = refusal.value;
  if (words === undefined) return { evidence, hint: otherwise };
  const fix = FIXES.find(([known]) => known.test(words))?.[1];
  return { evidence: `${evidence}; Envoy's log: ${words}`, hint: fix ?? otherwise };
}
