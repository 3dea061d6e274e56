import type { GenTokenFlags } from "../gen-token.ts";
import { EXIT, ExitError } from "../lib/exit-error.ts";
import { joinCheck } from "../lib/join-check.ts";
import { kubectl } from "../lib/kubectl.ts";
import type { Settings } from "./settings.ts";

/** The part of a Pod object that is read. */
interface Pod {
  metadata: { name: string; namespace: string; uid: string };
  spec: { serviceAccountName: string };
}

/**
 * Has the API server sign a token as the kubelet would for a pod, and checks it against the document as Teleport will:
 * for tbot's own running pod, with the allow list, or for the pod of --verify-as, which proves the keys only.
 *
 * @returns what was proven, one sentence
 * @throws ExitError refused when the token would not join; unavailable when there is no such pod or no right to ask
 */
export async function verify(flags: GenTokenFlags, settings: Settings, document: string): Promise<string> {
  const own = flags.verifyAs === undefined;
  const pod = own ? await tbotPod(flags, settings.tbotNamespace) : await namedPod(flags, flags.verifyAs ?? "");
  const { name, namespace, uid } = pod.metadata;
  const jwt = await kubectl(flags, `get a token for the pod ${namespace}/${name}`, [
    "create",
    "token",
    pod.spec.serviceAccountName,
    `--namespace=${namespace}`,
    `--audience=${settings.clusterName}`,
    "--bound-object-kind=Pod",
    `--bound-object-name=${name}`,
    `--bound-object-uid=${uid}`,
    "--duration=600s",
  ]);
  const check = await joinCheck({
    jwt: jwt.toString().trim(),
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

async function tbotPod(flags: GenTokenFlags, namespace: string): Promise<Pod> {
  const list = await kubectl(flags, `find tbot's pods in the namespace ${namespace}`, [
    "get",
    "pods",
    `--namespace=${namespace}`,
    "--selector=app.kubernetes.io/name=tbot",
    "--field-selector=status.phase=Running",
    "--output=json",
  ]);
  const [pod] = (JSON.parse(list.toString()) as { items: Pod[] }).items;
  if (pod === undefined) {
    throw new ExitError(
      `No pod of tbot runs in the namespace ${namespace} yet; name any running pod with --verify-as NAMESPACE/POD, which proves the keys.`,
      EXIT.unavailable,
    );
  }
  return pod;
}

async function namedPod(flags: GenTokenFlags, name: string): Promise<Pod> {
  const [, namespace, pod] = /^([a-z0-9-]+)\/([a-z0-9.-]+)$/.exec(name) ?? [];
  if (namespace === undefined || pod === undefined) {
    throw new ExitError(`--verify-as is ${JSON.stringify(name)}; write it as NAMESPACE/POD.`);
  }
  const found = await kubectl(flags, `find the pod ${name}`, [
    "get",
    "pod",
    pod,
    `--namespace=${namespace}`,
    "--output=json",
  ]);
  return JSON.parse(found.toString()) as Pod;
}
