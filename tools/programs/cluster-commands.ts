import { accessFlags, type ClusterAccess } from "./kubectl.ts";
import type { ExternalCommand } from "./run.ts";

/** A call of the user's kubectl for the chosen cluster. */
export function kubectlCommand(access: ClusterAccess, args: readonly string[], stdin?: string): ExternalCommand {
  return {
    program: "kubectl",
    args: [...accessFlags(access), ...args],
    ...(stdin !== undefined && { stdin }),
  };
}

/**
 * A call of Helm for the chosen cluster.
 *
 * @param helm as `findHelm` returns it
 */
export function helmCommand(
  access: ClusterAccess,
  helm: string,
  args: readonly string[],
  stdin?: string,
): ExternalCommand {
  return {
    program: helm,
    args: [
      ...args,
      ...(access.kubeconfig === undefined ? [] : [`--kubeconfig=${access.kubeconfig}`]),
      ...(access.context === undefined ? [] : [`--kube-context=${access.context}`]),
    ],
    ...(stdin !== undefined && { stdin }),
  };
}
