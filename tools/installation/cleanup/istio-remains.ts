import { ISTIO_RELEASES } from "../../chart/releases.ts";
import { kubectlCommand } from "../../programs/cluster-commands.ts";
import { helmReleases } from "../../programs/helm-releases.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import { kubectlList } from "../../programs/kubernetes-objects.ts";
import type { Todo } from "../install/plan.ts";
import { belongsTo, COPIED_BY_ISTIOD, type KubernetesObject } from "./ownership.ts";
import type { Finding, Scene } from "./plan.ts";

/**
 * What Helm leaves of Istio: its CRDs, which it keeps by annotation, when no object of theirs is left; and what
 * istiod put into every namespace. Only when no istiod is left at all.
 *
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function lookAtIstioRemains(scene: Scene): Promise<Finding> {
  const { access, values, withIstio, removed } = scene;
  if (!withIstio) return { commands: [], left: [] };
  const goes = (name: string, namespace: string) =>
    removed.some((release) => release.name === name && release.namespace === namespace);
  const staying = (await helmReleases(access)).filter(
    ({ name, namespace, chart }) => (chart === "istiod" || chart === "base") && !goes(name, namespace),
  );
  const deployments = await objects(access, "look for istiod", ["deployments", "--selector=app=istiod"]);
  const otherIstiod = deployments.some((deployment) => !belongsTo(deployment, removed));
  if (staying.length > 0 || otherIstiod) return { commands: [], left: [] };
  const { commands, left } = await customResources(scene, values.mesh.rootNamespace);
  return { commands: [...commands, ...(await copies(access))], left };
}

async function customResources({ access, removed }: Scene, namespace: string): Promise<Finding> {
  const found = await objects(access, "list the CRDs", ["customresourcedefinitions"]);
  const own = found.filter(({ metadata }) => {
    const { annotations } = metadata;
    return (
      annotations?.["meta.helm.sh/release-name"] === ISTIO_RELEASES.base &&
      annotations["meta.helm.sh/release-namespace"] === namespace
    );
  });
  if (own.length === 0) return { commands: [], left: [] };
  const names = own.map(({ metadata }) => metadata.name);
  const users = (await objects(access, "list Istio's objects", [names.join(",")])).filter(
    (object) => !belongsTo(object, removed),
  );
  if (users.length > 0) {
    const [first] = users;
    return {
      commands: [],
      left: [
        `Istio's CRDs: ${users.length} objects need them, the first is ${first?.kind} ${first?.metadata.name} in ${first?.metadata.namespace}`,
      ],
    };
  }
  const command = kubectlCommand(access, ["delete", "customresourcedefinitions", ...names]);
  return { commands: [{ purpose: `delete Istio's ${names.length} CRDs`, command }], left: [] };
}

async function copies(access: ClusterAccess): Promise<Todo[]> {
  const todos = await Promise.all(
    COPIED_BY_ISTIOD.map(async (name): Promise<Todo[]> => {
      const selection = ["--selector=istio.io/config=true", `--field-selector=metadata.name=${name}`];
      const found = await objects(access, "look for istiod's ConfigMaps", ["configmaps", ...selection]);
      const command = kubectlCommand(access, ["delete", "configmaps", "--all-namespaces", ...selection]);
      return found.length === 0 ? [] : [{ purpose: `delete ${name} in every namespace`, command }];
    }),
  );
  return todos.flat();
}

async function objects(access: ClusterAccess, purpose: string, args: string[]): Promise<KubernetesObject[]> {
  return await kubectlList(access, purpose, ["get", ...args, "--all-namespaces"]);
}
