import { accessFlags, type ClusterChoice } from "./kubectl.ts";
import type { ExternalCommand } from "./run.ts";

/** A call of the user's kubectl for the chosen cluster. */
export function kubectlCommand(access: ClusterChoice, args: readonly string[], stdin?: string): ExternalCommand {
  return {
    program: "kubectl",
    args: [...accessFlags(access), ...args],
    ...(stdin !== undefined && { stdin }),
  };
}

/** A call of the user's Helm for the chosen cluster. */
export function helmCommand(
  { kubeconfig, context }: ClusterChoice,
  args: readonly string[],
  stdin?: string,
): ExternalCommand {
  return {
    program: "helm",
    args: [
      ...args,
      ...(kubeconfig === undefined ? [] : [`--kubeconfig=${kubeconfig}`]),
      ...(context === undefined ? [] : [`--kube-context=${context}`]),
    ],
    ...(stdin !== undefined && { stdin }),
  };
}
