import { unexpectedOutput } from "./json-from.ts";
import { type ClusterAccess, kubectl } from "./kubectl.ts";

/** A right as Kubernetes names it; without a namespace, to a cluster-wide object or in all namespaces. */
export interface Right {
  verb: string;
  group: string;
  resource: string;
  subresource?: string;
  namespace?: string;
}

/**
 * Those of the rights that this user lacks, in the words of kubectl: "create namespaces", "create pods/exec in shop". One
 * call asks for all. A namespace need not exist.
 *
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function lackedRights(access: ClusterAccess, rights: readonly Right[]): Promise<string[]> {
  const reviews = {
    apiVersion: "v1",
    kind: "List",
    items: rights.map((resourceAttributes) => ({
      apiVersion: "authorization.k8s.io/v1",
      kind: "SelfSubjectAccessReview",
      spec: { resourceAttributes },
    })),
  };
  // Not checked by kubectl first: for that it would ask for the API's schema.
  const args = ["create", "--filename=-", "--validate=false", '--output=jsonpath={.status.allowed}{"\\n"}'];
  const stdin = JSON.stringify(reviews);
  const purpose = "ask for your permissions";
  const printed = (await kubectl(access, purpose, args, { stdin })).toString();
  const answers = printed.trim().split("\n");
  const other = answers.filter((answer) => !/^(true|false)$/.test(answer));
  if (answers.length !== rights.length || other.length > 0) {
    const wanted = `${rights.length} answers, true or false`;
    throw unexpectedOutput(other.join("\n") || printed, "kubectl", purpose, wanted);
  }
  return rights.filter((_, index) => answers[index] !== "true").map(describe);
}

function describe({ verb, group, resource, subresource, namespace }: Right): string {
  const kind = group === "" ? resource : `${resource}.${group}`;
  const name = subresource === undefined ? kind : `${kind}/${subresource}`;
  return `${verb} ${name}${namespace === undefined ? "" : ` in ${namespace}`}`;
}
