import { EXIT, ExitError } from "../base/exit-error.ts";
import type { ClusterAccess } from "../programs/kubectl.ts";
import { isPod, kubectlList, kubectlObject, kubectlToken } from "../programs/kubernetes-objects.ts";
import { joinCheck } from "../teleport/join/join-check.ts";
import type { PodName, Settings } from "./settings.ts";

/** The part of a Pod object that is read. */
interface Pod {
  metadata: { name: string; namespace: string; uid: string; deletionTimestamp?: string };
  spec: { serviceAccountName?: string };
}

/**
 * Has the API server sign a token as the kubelet would for a pod, and checks it against the document as Teleport will:
 * for tbot's own running pod, with the allow list, or for the pod of --verify-as, which proves the keys only.
 *
 * @returns what was proven, one sentence
 * @throws ExitError refused when the token would not join; unavailable when there is no such pod or no right to ask
 */
export async function verify(access: ClusterAccess, settings: Settings, document: string): Promise<string> {
  const { verifyAs } = settings;
  const own = verifyAs === undefined;
  const pod = own ? await tbotPod(access, settings.tbotNamespace) : await namedPod(access, verifyAs);
  const { name, namespace, uid } = pod.metadata;
  const { serviceAccountName } = pod.spec;
  if (serviceAccountName === undefined) {
    throw new ExitError(
      `The pod ${namespace}/${name} is a static pod, which has no ServiceAccount; name another one with --verify-as.`,
    );
  }
  const jwt = await kubectlToken(access, `get a token for the pod ${namespace}/${name}`, [
    serviceAccountName,
    `--namespace=${namespace}`,
    `--audience=${settings.clusterName}`,
    "--bound-object-kind=Pod",
    `--bound-object-name=${name}`,
    `--bound-object-uid=${uid}`,
    "--duration=600s",
  ]);
  const check = await joinCheck({
    jwt,
    document,
    clusterName: settings.clusterName,
    now: Date.now(),
    anyServiceAccount: !own,
  });
  if (!check.joins) {
    throw new ExitError(
      `Teleport would refuse the ServiceAccount token of the pod ${namespace}/${name}: ${check.reason}; the join token was not written.`,
    );
  }
  const proven = `the token of the pod ${namespace}/${name}, signed with key ${JSON.stringify(check.kid)}, passes Teleport's checks`;
  return own
    ? `Verified with tbot's own pod: ${proven}, the allow list included.`
    : `Verified with another pod (--verify-as): ${proven}; whether tbot's ServiceAccount is allowed was not checked.`;
}

async function tbotPod(access: ClusterAccess, namespace: string): Promise<Pod> {
  const args = [
    ...["get", "pods", `--namespace=${namespace}`],
    // Another chart's tbot in the namespace joins with another token.
    "--selector=app.kubernetes.io/name=tbot,app.kubernetes.io/part-of=istio-teleport",
    "--field-selector=status.phase=Running",
  ];
  const items = await kubectlList(access, `find tbot's pods in the namespace ${namespace}`, args, isPod<Pod>);
  const pod = items.find(({ metadata }) => metadata.deletionTimestamp === undefined);
  if (pod === undefined) {
    throw new ExitError(
      `No pod of tbot runs in the namespace ${namespace} yet; name any running pod with --verify-as NAMESPACE/POD, which proves the keys.`,
      EXIT.unavailable,
    );
  }
  return pod;
}

async function namedPod(access: ClusterAccess, { namespace, name }: PodName): Promise<Pod> {
  const args = ["get", "pod", name, `--namespace=${namespace}`];
  return await kubectlObject(access, `find the pod ${namespace}/${name}`, args, isPod<Pod>);
}
