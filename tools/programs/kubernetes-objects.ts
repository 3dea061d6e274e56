import { isRecord, recordAt } from "../base/json-value.ts";
import { jsonFrom, listOf, OBJECT, type Shape, unexpectedOutput } from "./json-from.ts";
import { type ClusterAccess, type KubectlOptions, kubectl } from "./kubectl.ts";

/** Whether a value is what every object of a cluster is: it has a name, and its labels and annotations are maps. */
export function isKubernetesObject<T>(value: unknown): value is T {
  if (!isRecord(value) || !isRecord(value.metadata)) return false;
  const { name, labels, annotations } = value.metadata;
  return typeof name === "string" && isRecord(labels ?? {}) && isRecord(annotations ?? {});
}

/** Whether a value is a pod, of whose containers the names are known. */
export function isPod<T>(value: unknown): value is T {
  if (!isKubernetesObject<Record<string, unknown>>(value)) return false;
  const { containers, initContainers = [] } = recordAt(value, "spec");
  return [containers, initContainers].every((list) => Array.isArray(list) && list.every(isNamed));
}

function isNamed(value: unknown): boolean {
  return isRecord(value) && typeof value.name === "string";
}

/** A list of objects as the API server and kubectl give it. */
interface KubernetesList<T> {
  items: T[];
  metadata?: Record<string, unknown>;
}

/** The shape of a list whose objects all fit. */
export function kubernetesList<T>(fits: (value: unknown) => value is T): Shape<KubernetesList<T>> {
  const { named, fits: areItems } = listOf("a list of objects", fits);
  return {
    named,
    fits: (value): value is KubernetesList<T> =>
      isRecord(value) && areItems(value.items) && isRecord(value.metadata ?? {}),
  };
}

/**
 * The objects that `kubectl get` lists.
 *
 * @param args from "get" on, without the form of the output
 * @param fits what each must have; default: what every object has
 * @throws ExitError (unavailable) as `kubectl`, or when it prints something else
 */
export async function kubectlList<T>(
  access: ClusterAccess,
  purpose: string,
  args: readonly string[],
  fits: (value: unknown) => value is T = isKubernetesObject<T>,
  options: KubectlOptions = {},
): Promise<T[]> {
  const printed = await kubectl(access, purpose, [...args, "--output=json"], options);
  return jsonFrom(printed, "kubectl", purpose, kubernetesList(fits)).items;
}

/**
 * The object that `kubectl get` prints.
 *
 * @throws ExitError (unavailable) as `kubectl`, or when it prints something else
 */
export async function kubectlObject<T>(
  access: ClusterAccess,
  purpose: string,
  args: readonly string[],
  fits: (value: unknown) => value is T = isKubernetesObject<T>,
): Promise<T> {
  const printed = await kubectl(access, purpose, [...args, "--output=json"]);
  return jsonFrom(printed, "kubectl", purpose, { named: "an object of the cluster", fits });
}

/** As `kubectlObject`, undefined where the cluster has no such object. */
export async function kubectlObjectIfAny<T>(
  access: ClusterAccess,
  purpose: string,
  args: readonly string[],
  fits: (value: unknown) => value is T = isKubernetesObject<T>,
): Promise<T | undefined> {
  const printed = await kubectl(access, purpose, [...args, "--ignore-not-found", "--output=json"]);
  if (printed.length === 0) return undefined;
  return jsonFrom(printed, "kubectl", purpose, { named: "an object of the cluster", fits });
}

/** What else kubectl prints as JSON: its configuration, versions, documents of the API server. */
export async function kubectlJson(
  access: ClusterAccess,
  purpose: string,
  args: readonly string[],
): Promise<Record<string, unknown>> {
  return jsonFrom(await kubectl(access, purpose, args), "kubectl", purpose, OBJECT);
}

const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * The token that `kubectl create token` prints.
 *
 * @param args from the ServiceAccount on
 * @throws ExitError (unavailable) as `kubectl`, or when it prints something else, of which no token is quoted
 */
export async function kubectlToken(access: ClusterAccess, purpose: string, args: readonly string[]): Promise<string> {
  const printed = (await kubectl(access, purpose, ["create", "token", ...args])).toString().trim();
  if (JWT.test(printed)) return printed;
  const other = printed.split("\n").filter((line) => !JWT.test(line.trim()));
  throw unexpectedOutput(other.join("\n"), "kubectl", purpose, "a token alone");
}
