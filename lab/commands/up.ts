import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { buildComponents, missingComponents } from "../build/components.ts";
import { installPackages } from "../build/debian-packages.ts";
import { importImages, outdatedImages } from "../build/images.ts";
import type { Versions } from "../build/recipes.ts";
import { chooseTeleport, teleportName } from "../build/teleport.ts";
import { writeEnvironment } from "../build/toolbox.ts";
import { chooseVersions } from "../build/versions.ts";
import { clusterConfig } from "../cluster/cluster-config.ts";
import { awaitDaemon, type Daemon, daemons, isCurrent, isHealthy, startDaemon } from "../cluster/daemons.ts";
import { acceptsPods, isNodeReady } from "../cluster/node.ts";
import { createPki } from "../cluster/pki.ts";
import { createNamespaces, namespacesExist } from "../machine/namespaces.ts";
import type { LabPaths } from "../machine/paths.ts";
import { checkMachine } from "../machine/preflight.ts";
import { logFile } from "../machine/processes.ts";
import { duration, say, step } from "../machine/progress.ts";
import { eventually, logTail } from "../machine/shell.ts";

const NODE_READY_TIMEOUT_MS = 120_000;

/**
 * Brings the lab up, or what is missing of it: builds components, starts the cluster and what plays Teleport, imports images.
 * On a healthy lab it changes nothing. Throws an ExitError if the machine or a part refuses.
 *
 * @param versions of Kubernetes and Istio; default: what this lab's state is of, else what CI runs
 * @param teleportBin folder of a Teleport release that is to play itself; default: what did so before, else the double
 */
export async function up(paths: LabPaths, versions: Partial<Versions>, teleportBin?: string): Promise<void> {
  const start = Date.now();
  chooseVersions(paths, versions);
  if (teleportBin !== undefined) chooseTeleport(paths, teleportBin);
  const missing = missingComponents(paths);
  if (missing.length === 0 && (await isUp(paths)))
    return say(`The lab is up already: nothing to do. ${useHint(paths)}`);
  await checkMachine(paths, missing);
  await installPackages(paths);
  await buildComponents(paths, missing);
  mkdirSync(paths.run, { recursive: true });
  await step("certificates and configuration", 1, async () => {
    await createPki(paths);
    writeConfig(paths);
  });
  await step("network and mount namespaces", 1, () => createNamespaces(paths));
  await startCluster(paths, daemons(paths));
  writeEnvironment(paths);
  say(`The lab is up after ${duration((Date.now() - start) / 1000)}. ${useHint(paths)}`);
}

/** Whether every part runs as it would be started now, and answers. */
async function isUp(paths: LabPaths): Promise<boolean> {
  if (!existsSync(paths.envFile) || !namespacesExist(paths)) return false;
  writeConfig(paths);
  const all = daemons(paths);
  if (!all.every((daemon) => isCurrent(paths, daemon)) || outdatedImages(paths).length > 0) return false;
  const answers = await Promise.all([...all.map((daemon) => isHealthy(paths, daemon)), isNodeReady(paths)]);
  return answers.every(Boolean);
}

async function startCluster(paths: LabPaths, all: readonly Daemon[]): Promise<void> {
  const named = (name: string) => all.find((daemon) => daemon.name === name) as Daemon;
  const startTogether = async (names: readonly string[]) => {
    for (const name of names) await startDaemon(paths, named(name));
    await Promise.all(names.map((name) => awaitDaemon(paths, named(name))));
  };
  await step(`etcd, containerd, API server, ${teleportName(paths)}`, 5, () =>
    startTogether(["etcd", "containerd", "teleport", "kube-apiserver"]),
  );
  const images = outdatedImages(paths);
  if (images.length > 0)
    await step(`images: ${images.map((image) => image.reference).join(" ")}`, 8, () => importImages(paths, images));
  await step("controller manager, scheduler, CoreDNS, kube-proxy, kubelet", 4, () =>
    startTogether(["kube-controller-manager", "kube-scheduler", "coredns", "kube-proxy", "kubelet"]),
  );
  await step("node Ready", 3, async () => {
    const ready = async () => (await isNodeReady(paths)) && (await acceptsPods(paths));
    if (await eventually(ready, NODE_READY_TIMEOUT_MS)) return;
    throw new ExitError(
      `The node isn't Ready after 2 minutes; ${logTail(logFile(paths, "kubelet"))}`,
      EXIT.unavailable,
    );
  });
}

/** Leaves a file alone that is right already: kube-proxy ends when its file is written. */
function writeConfig(paths: LabPaths): void {
  for (const [name, content] of Object.entries(clusterConfig(paths))) {
    const file = join(paths.config, name);
    if (existsSync(file) && readFileSync(file, "utf8") === content) continue;
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }
}

function useHint(paths: LabPaths): string {
  return `Use it with \`. ${paths.envFile}\`.`;
}
