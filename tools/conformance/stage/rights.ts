import { EXIT, ExitError } from "../../base/exit-error.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import { lackedRights, type Right } from "../../programs/rights.ts";
import type { SecretName } from "./pull-secret.ts";

/**
 * Asks for every permission that the scenarios use, before anything is made.
 *
 * @param pullSecret the Secret that is copied, if one is
 * @throws ExitError (unavailable) that names those which are missing
 */
export async function requireRights(
  access: ClusterAccess,
  namespace: string,
  pullSecret: SecretName | undefined,
): Promise<void> {
  const missing = await lackedRights(access, [...neededRights(namespace), ...rightsToCopy(pullSecret, namespace)]);
  if (missing.length === 0) return;
  throw new ExitError(
    `Your account lacks ${missing.length} of the permissions that \`test\` needs: ${missing.join(", ")}; have them granted, or use an account that has them.`,
    EXIT.unavailable,
  );
}

function neededRights(namespace: string): Right[] {
  const core = (verb: string, resource: string, subresource?: string): Right => ({
    verb,
    group: "",
    resource,
    namespace,
    ...(subresource !== undefined && { subresource }),
  });
  const admission = "admissionregistration.k8s.io";
  return [
    { verb: "create", group: "", resource: "namespaces" },
    { verb: "get", group: "", resource: "namespaces" },
    { verb: "delete", group: "", resource: "namespaces" },
    core("create", "serviceaccounts"),
    core("create", "services"),
    core("create", "pods"),
    core("get", "pods"),
    core("list", "pods"),
    core("create", "pods", "exec"),
    core("get", "pods", "portforward"),
    core("create", "pods", "portforward"),
    core("update", "pods", "ephemeralcontainers"),
    { verb: "create", group: "security.istio.io", resource: "authorizationpolicies", namespace },
    { verb: "list", group: "", resource: "nodes" },
    // Of all namespaces, since gateways may be in any.
    { verb: "list", group: "", resource: "pods" },
    // In all namespaces, since istiod may be in any. ConfigMaps are read in istiod's namespace, which is not known yet; the
    // right to them is named when they are read, and nothing is made before that either.
    { verb: "list", group: "apps", resource: "deployments" },
    { verb: "get", group: admission, resource: "validatingadmissionpolicies" },
    { verb: "get", group: admission, resource: "validatingadmissionpolicybindings" },
  ];
}

function rightsToCopy(from: SecretName | undefined, namespace: string): Right[] {
  if (from === undefined) return [];
  return [
    { verb: "get", group: "", resource: "secrets", namespace: from.namespace },
    { verb: "create", group: "", resource: "secrets", namespace },
  ];
}
