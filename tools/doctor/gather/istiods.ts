import type { KubeApi } from "../../programs/kube-api/kube-api.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import type { ConfigMap, Deployment } from "../facts/objects.ts";

/** Deployments of istiod, one per revision. */
export function readIstiods(api: KubeApi): Promise<Read<Deployment[]>> {
  return api.list<Deployment>("/apis/apps/v1/deployments?labelSelector=app=istiod");
}

/** ConfigMaps in the namespaces of these. */
export async function readIstioConfigMaps(api: KubeApi, istiods: Read<Deployment[]>): Promise<Read<ConfigMap[]>> {
  if (!istiods.ok) return istiods;
  const namespaces = new Set(istiods.value.map(({ metadata }) => metadata.namespace));
  const lists = await Promise.all(
    [...namespaces].map((namespace) => api.list<ConfigMap>(`/api/v1/namespaces/${namespace}/configmaps`)),
  );
  const all: ConfigMap[] = [];
  for (const list of lists) {
    if (!list.ok) return list;
    all.push(...list.value);
  }
  return { ok: true, value: all };
}
