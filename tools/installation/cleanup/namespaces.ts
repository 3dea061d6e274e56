import { kubectlCommand } from "../../programs/cluster-commands.ts";
import { kubectl } from "../../programs/kubectl.ts";
import { kubectlList } from "../../programs/kubernetes-objects.ts";
import type { Todo } from "../install/plan.ts";
import { OWN_NAMESPACE_LABELS } from "../own-namespaces.ts";
import { belongsTo, COPIED_BY_ISTIOD, type KubernetesObject } from "./ownership.ts";
import type { Finding, Scene } from "./plan.ts";

/**
 * The namespaces that `install` or the chart made: those that hold nothing else go.
 *
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function lookAtNamespaces(scene: Scene): Promise<Finding> {
  const { access, timeoutSeconds } = scene;
  const namespaces = (await list(scene, "list the namespaces", ["namespaces", `--selector=${PART_OF}`])).filter(isOwn);
  if (namespaces.length === 0) return { commands: [], left: [] };
  const kinds = await namespacedKinds(scene);
  const commands: Todo[] = [];
  const left: string[] = [];
  for (const { metadata } of namespaces) {
    const { name } = metadata;
    const held = await list(scene, `look into the namespace ${name}`, [kinds.join(","), `--namespace=${name}`]);
    const others = held.filter((object) => !isNothing(object, scene));
    const [first] = others;
    if (first === undefined) {
      const args = ["delete", "namespace", name, `--timeout=${timeoutSeconds}s`];
      commands.push({ purpose: `delete the namespace ${name}`, command: kubectlCommand(access, args) });
    } else {
      const more = others.length === 1 ? "" : ` and ${others.length - 1} more`;
      left.push(`the namespace ${name}: it holds ${first.kind} ${first.metadata.name}${more}`);
    }
  }
  return { commands, left };
}

const PART_OF = `app.kubernetes.io/part-of=${OWN_NAMESPACE_LABELS["app.kubernetes.io/part-of"]}`;

/** Made by `install`, or by Helm for our chart: a label alone could be anybody's. */
function isOwn({ metadata }: KubernetesObject): boolean {
  const managedBy = metadata.labels?.["app.kubernetes.io/managed-by"];
  const byInstall = managedBy === OWN_NAMESPACE_LABELS["app.kubernetes.io/managed-by"];
  return byInstall || metadata.annotations?.["meta.helm.sh/release-name"] !== undefined;
}

async function namespacedKinds({ access }: Scene): Promise<string[]> {
  const printed = await kubectl(access, "list the kinds of objects", [
    ...["api-resources", "--namespaced", "--verbs=list", "--output=name"],
  ]);
  return printed
    .toString()
    .split("\n")
    .filter((kind) => kind !== "" && !OF_NO_ONE.test(kind));
}

/** Kinds that only report about other objects. */
const OF_NO_ONE = /^(events|endpoints)(\.|$)|\.metrics\.k8s\.io$/;

/** Whether an object is no reason to keep a namespace: Kubernetes or Istio puts it everywhere, or it goes with another. */
function isNothing(object: KubernetesObject, { removed, withIstio }: Scene): boolean {
  const { kind, type, metadata } = object;
  if ((metadata.ownerReferences ?? []).some(isOfNamespace) || belongsTo(object, removed)) return true;
  if (kind === "ServiceAccount") return metadata.name === "default";
  if (kind === "ConfigMap" && ["kube-root-ca.crt", ...COPIED_BY_ISTIOD].includes(metadata.name)) return true;
  return withIstio && isMadeByIstiod(kind, type, metadata);
}

/** Owners that are in the namespace themselves and decide for what they own; one of another kind may be elsewhere. */
const OWNERS = ["ReplicaSet", "Deployment", "DaemonSet", "StatefulSet", "Job", "CronJob", "Pod", "Service"];

function isOfNamespace({ kind }: { kind: string }): boolean {
  return OWNERS.includes(kind);
}

/** What istiod makes beside its release: its locks (Istio pilot/pkg/leaderelection) and the key of its own CA. */
function isMadeByIstiod(
  kind: string,
  type: string | undefined,
  { name, annotations }: KubernetesObject["metadata"],
): boolean {
  if (kind === "Secret") return type === "istio.io/ca-root";
  const isLock = kind === "Lease" || annotations?.["control-plane.alpha.kubernetes.io/leader"] !== undefined;
  return isLock && name.startsWith("istio-");
}

async function list({ access }: Scene, purpose: string, args: string[]): Promise<KubernetesObject[]> {
  return await kubectlList(access, purpose, ["get", ...args]);
}
