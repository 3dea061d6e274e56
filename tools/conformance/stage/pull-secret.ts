import { EXIT, ExitError } from "../../base/exit-error.ts";
import { isRecord, textAt } from "../../base/json-value.ts";
import type { KubeApi } from "../../programs/kube-api/kube-api.ts";

/** Where a Secret is. */
export interface SecretName {
  namespace: string;
  name: string;
}

/** Types of Secrets by which the kubelet pulls images. */
const TYPES = ["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"];

/**
 * A copy for the stage's namespace of a Secret with registry credentials.
 *
 * @throws ExitError refused for a Secret of another type; unavailable when it cannot be read or is not there
 */
export async function copyOfPullSecret(api: KubeApi, from: SecretName, namespace: string): Promise<object> {
  const full = `${from.namespace}/${from.name}`;
  const read = await api.get<Record<string, unknown>>(`/api/v1/namespaces/${from.namespace}/secrets/${from.name}`);
  if (!read.ok) throw new ExitError(`Could not read the Secret ${full}: ${read.reason}.`, EXIT.unavailable);
  if (read.value === undefined) {
    throw new ExitError(`There is no Secret ${full}; name one with --image-pull-secret.`, EXIT.unavailable);
  }
  const type = textAt(read.value, "type");
  if (!TYPES.includes(type)) {
    throw new ExitError(
      `The Secret ${full} has the type ${JSON.stringify(type)}; give --image-pull-secret one of the type ${TYPES[0]}.`,
    );
  }
  const { data } = read.value;
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: from.name, namespace },
    type,
    data: isRecord(data) ? data : {},
  };
}
