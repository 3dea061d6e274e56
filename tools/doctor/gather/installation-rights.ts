import type { ClusterAccess } from "../../programs/kubectl.ts";
import { lackedRights, type Right } from "../../programs/rights.ts";
import type { Values } from "../../values/types.ts";

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
  return lackedRights(access, neededRights(values, skipIstio));
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
