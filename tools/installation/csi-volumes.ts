import type { ClusterAccess } from "../programs/kubectl.ts";
import { isPod, kubectlList } from "../programs/kubernetes-objects.ts";

/** A pod with volumes of CSI drivers. */
export interface MountingPod {
  metadata: { namespace: string; ownerReferences?: { kind: string; name: string }[] };
  spec: { volumes?: { csi?: { driver: string } }[] };
}

/**
 * The pods of all namespaces that mount volumes of these CSI drivers. The kubelet unmounts a volume through its driver: a
 * pod that outlives the driver never ends.
 *
 * @param drivers without any, nothing is asked
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function podsMounting(access: ClusterAccess, drivers: readonly string[]): Promise<MountingPod[]> {
  if (drivers.length === 0) return [];
  const purpose = "look for pods with volumes of the CSI driver";
  const pods = await kubectlList(access, purpose, ["get", "pods", "--all-namespaces"], isPod<MountingPod>);
  return pods.filter(({ spec }) => spec.volumes?.some(({ csi }) => csi !== undefined && drivers.includes(csi.driver)));
}
