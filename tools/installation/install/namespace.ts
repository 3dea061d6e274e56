import { kubectlCommand } from "../../programs/cluster-commands.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import { kubectlObjectIfAny } from "../../programs/kubernetes-objects.ts";
import { OWN_NAMESPACE_LABELS } from "../own-namespaces.ts";
import type { Todo } from "./plan.ts";

interface Namespace {
  metadata: { labels?: Record<string, string> };
}

/**
 * What makes a namespace that is not there, with labels by which `cleanup` knows it; of one that is there, the labels
 * that it needs and lacks.
 *
 * @param labels needed by what will run there
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function prepareNamespace(
  access: ClusterAccess,
  name: string,
  labels: Readonly<Record<string, string>>,
): Promise<Todo[]> {
  const args = ["get", "namespace", name];
  const found = await kubectlObjectIfAny<Namespace>(access, `read the namespace ${name}`, args);
  if (found === undefined) {
    const namespace = {
      apiVersion: "v1",
      kind: "Namespace",
      metadata: { name, labels: { ...OWN_NAMESPACE_LABELS, ...labels } },
    };
    const command = kubectlCommand(access, ["create", "--filename=-"], `${JSON.stringify(namespace)}\n`);
    return [{ purpose: `create the namespace ${name}`, command }];
  }
  const missing = Object.entries(labels).filter(([key, value]) => found.metadata.labels?.[key] !== value);
  if (missing.length === 0) return [];
  const words = missing.map(([key, value]) => `${key}=${value}`);
  const command = kubectlCommand(access, ["label", "namespace", name, ...words, "--overwrite"]);
  return [{ purpose: `label the namespace ${name}`, command }];
}
