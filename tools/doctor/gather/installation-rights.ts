import { unexpectedOutput } from "../../programs/json-from.ts";
import { type ClusterAccess, kubectl } from "../../programs/kubectl.ts";
import type { Values } from "../../values/types.ts";

/** A right as Kubernetes names it; without a namespace, to a cluster-wide object. */
interface Right {
  verb: string;
  group: string;
  resource: string;
  namespace?: string;
}

/**
 * The rights that an installation needs and this user lacks, in the words of kubectl: "create namespaces". It asks for one
 * right of each kind: a user who has these has the others, too.
 *
 * @throws ExitError (unavailable) when the cluster does not answer
 */
export async function missingRights(
  access: ClusterAccess,
  values: Values,
  { skipIstio }: { skipIstio: boolean },
): Promise<string[]> {
  const rights = neededRights(values, skipIstio);
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

function neededRights({ tbot, mesh, watch }: Values, skipIstio: boolean): Right[] {
  const namespace = tbot.namespace.name;
  const admission = "admissionregistration.k8s.io";
  return [
    { verb: "create", group: "", resource: "namespaces" },
    // Helm's own record of a release.
    { verb: "create", group: "", resource: "secrets", namespace },
    { verb: "create", group: "rbac.authorization.k8s.io", resource: "clusterroles" },
    { verb: "create", group: "rbac.authorization.k8s.io", resource: "clusterrolebindings" },
    ...(tbot.enabled ? [{ verb: "create", group: "apps", resource: "daemonsets", namespace }] : []),
    ...(watch.enabled ? [{ verb: "create", group: "batch", resource: "cronjobs", namespace }] : []),
    ...(tbot.enabled && (tbot.socket.mode === "csi" || tbot.socket.transition)
      ? [{ verb: "create", group: "storage.k8s.io", resource: "csidrivers" }]
      : []),
    ...(mesh.enabled
      ? [
          {
            verb: "create",
            group: "security.istio.io",
            resource: "peerauthentications",
            namespace: mesh.rootNamespace,
          },
        ]
      : []),
    ...(mesh.enabled && Object.values(mesh.connections).some((duration) => duration !== "")
      ? [{ verb: "create", group: "networking.istio.io", resource: "envoyfilters", namespace: mesh.rootNamespace }]
      : []),
    ...(mesh.enabled && mesh.gatewayApi.enabled
      ? [{ verb: "create", group: "", resource: "configmaps", namespace: mesh.rootNamespace }]
      : []),
    ...(mesh.enabled && mesh.admission.enabled
      ? [{ verb: "create", group: admission, resource: "validatingadmissionpolicies" }]
      : []),
    ...(skipIstio
      ? []
      : [
          { verb: "create", group: "apiextensions.k8s.io", resource: "customresourcedefinitions" },
          { verb: "create", group: admission, resource: "mutatingwebhookconfigurations" },
          { verb: "create", group: "apps", resource: "deployments", namespace: mesh.rootNamespace },
        ]),
  ];
}

function describe({ verb, group, resource, namespace }: Right): string {
  const name = group === "" ? resource : `${resource}.${group}`;
  return `${verb} ${name}${namespace === undefined ? "" : ` in ${namespace}`}`;
}
