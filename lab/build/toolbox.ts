import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CONTAINERD_SOCKET } from "../cluster/addresses.ts";
import { insideLab } from "../machine/namespaces.ts";
import type { LabPaths } from "../machine/paths.ts";
import { type CommandResult, tryCommand } from "../machine/shell.ts";
import { componentDir } from "./components.ts";
import { CONTAINERD_RECIPE, HELM3_RECIPE, HELM4_RECIPE, PROMETHEUS_RECIPE, type Recipe } from "./recipes.ts";
import { teleportProgram } from "./teleport.ts";
import { istioRecipes, kubernetesRecipe } from "./versions.ts";

/**
 * The lab's client programs but tctl: the name by which a person calls it → component and file. `helm` is Helm 4. kubectl
 * and istioctl are of the versions that run: what goes wrong with them is then no difference of version.
 */
const TOOLS = {
  kubectl: [kubernetesRecipe, "kubectl"],
  helm: [() => HELM4_RECIPE, "helm"],
  helm3: [() => HELM3_RECIPE, "helm"],
  helm4: [() => HELM4_RECIPE, "helm"],
  istioctl: [(paths) => istioRecipes(paths).istio, "istioctl"],
  ctr: [() => CONTAINERD_RECIPE, "ctr"],
  prometheus: [() => PROMETHEUS_RECIPE, "prometheus"],
  promtool: [() => PROMETHEUS_RECIPE, "promtool"],
} as const satisfies Record<string, readonly [(paths: LabPaths) => Recipe, string]>;

export type Tool = keyof typeof TOOLS | "tctl";

/** Absolute path of a client program's binary. It must be run inside the lab (`labExec`, or a wrapper of `env.sh`). */
export function toolPath(paths: LabPaths, tool: Tool): string {
  if (tool === "tctl") return teleportProgram(paths, tool);
  const [recipe, file] = TOOLS[tool];
  return join(componentDir(paths, recipe(paths)), file);
}

/** Folder with Istio's own charts: `base`, `istio-control/istio-discovery`, `gateway`, `istio-cni`. */
export function istioCharts(paths: LabPaths): string {
  return join(componentDir(paths, istioRecipes(paths).istio), "charts");
}

/**
 * The environment for programs that are run inside the lab: PATH with the lab's wrappers first, KUBECONFIG, the configuration by
 * which tctl finds the Auth Service, and containerd's socket for `ctr`.
 */
export function labEnvironment(paths: LabPaths): Readonly<Record<string, string>> {
  return {
    PATH: `${paths.wrappers}:${process.env.PATH ?? ""}`,
    KUBECONFIG: paths.kubeconfig,
    TELEPORT_CONFIG_FILE: join(paths.config, "teleport.yaml"),
    CONTAINERD_ADDRESS: CONTAINERD_SOCKET,
    CONTAINERD_NAMESPACE: "k8s.io",
  };
}

/**
 * Runs a command inside the lab (network, `/run`, DNS aside) with the lab's environment, in the current working directory,
 * and returns its exit code and output. Works from outside as well as from a process that is inside already.
 *
 * @param input written to the command's standard input
 * @param timeout milliseconds after which the command is killed; default: never
 */
export function labExec(
  paths: LabPaths,
  command: readonly string[],
  options: { readonly input?: string; readonly timeout?: number; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<CommandResult> {
  const env = { ...process.env, ...labEnvironment(paths), ...options.env };
  return tryCommand(insideLab(paths, command), { ...options, env });
}

/** Writes `env.sh` and the wrappers it puts on PATH, which run each tool inside the lab from any directory. */
export function writeEnvironment(paths: LabPaths): void {
  mkdirSync(paths.wrappers, { recursive: true });
  const holder = `"$(sed -E 's/.*"pid":([0-9]+).*/\\1/' '${join(paths.run, "holder.json")}')"`;
  const enter = `exec nsenter --target=${holder} --net --mount --wdns="$PWD" --`;
  writeProgram(join(paths.wrappers, "lab-exec"), `#!/bin/sh\n# Runs a command inside the lab.\n${enter} "$@"\n`);
  for (const tool of [...Object.keys(TOOLS), "tctl"] as Tool[]) {
    writeProgram(join(paths.wrappers, tool), `#!/bin/sh\n${enter} '${toolPath(paths, tool)}' "$@"\n`);
  }
  const { PATH: _path, ...variables } = labEnvironment(paths);
  const lines = Object.entries(variables).map(([name, value]) => `export ${name}='${value}'`);
  writeFileSync(
    paths.envFile,
    `# For a shell that works in the lab: kubectl, helm, helm3, istioctl, tctl, ctr, prometheus, promtool; lab-exec COMMAND for any other program.\nexport PATH='${paths.wrappers}':"$PATH"\n${lines.join("\n")}\n`,
  );
}

function writeProgram(file: string, text: string): void {
  writeFileSync(file, text);
  chmodSync(file, 0o755);
}
