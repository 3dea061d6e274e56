import { existsSync, mkdirSync, readFileSync, statfsSync } from "node:fs";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { DEFAULT_VERSIONS, type Recipe, recipesOf } from "../build/recipes.ts";
import { cgroupMounts } from "./namespaces.ts";
import type { LabPaths } from "./paths.ts";
import { tryCommand } from "./shell.ts";

const GIGABYTE = 1e9;
/** Measured for a build of every component: 6 GB module cache, 14 GB build cache, 1.4 GB programs, and the images. */
const COLD_GIGABYTES = 25;
/** A running cluster: images unpacked, logs, etcd. */
const WARM_GIGABYTES = 4;
const GO_MINIMUM = [1, 26] as const;

/**
 * Refuses a machine on which the lab can't run, in one sentence that says why.
 *
 * @param missing the components that are still to be built
 */
export async function checkMachine(paths: LabPaths, missing: readonly Recipe[]): Promise<void> {
  if (process.platform !== "linux" || process.arch !== "x64") {
    throw refusal(`The lab runs on Linux x64 only (this is ${process.platform} ${process.arch}).`);
  }
  if (!existsSync("/usr/bin/apt-get"))
    throw refusal("The lab takes runc, CNI plugins and others from Debian packages: apt-get isn't here.");
  checkKernel(paths);
  checkDisk(paths, neededGigabytes(missing));
  if (missing.some(({ kind }) => kind === "go")) await checkGo();
}

/**
 * Free disk space that building `missing` and running the cluster take, in whole gigabytes. What a build of everything takes
 * is shared out by build time: both grow with the number of packages that are compiled.
 */
export function neededGigabytes(missing: readonly Recipe[]): number {
  const seconds = (recipes: readonly Recipe[]) => recipes.reduce((sum, recipe) => sum + recipe.seconds, 0);
  return Math.ceil(
    WARM_GIGABYTES + ((COLD_GIGABYTES - WARM_GIGABYTES) * seconds(missing)) / seconds(recipesOf(DEFAULT_VERSIONS)),
  );
}

/** Refuses another user than root, who alone may make or remove what the lab consists of. */
export function checkRoot(): void {
  if (process.getuid?.() !== 0) throw refusal("The lab makes namespaces, cgroups and mounts: run it as root.");
}

function checkKernel(paths: LabPaths): void {
  const fileSystems = readFileSync("/proc/filesystems", "utf8");
  if (!/\boverlay$/m.test(fileSystems))
    throw refusal("The kernel has no overlayfs, which containerd needs (try `modprobe overlay`).");
  if (!existsSync("/proc/sys/net/bridge/bridge-nf-call-iptables")) {
    throw refusal(
      "The kernel's br_netfilter isn't there, which Services between pods of one bridge need (try `modprobe br_netfilter`).",
    );
  }
  if (cgroupMounts().v2 === undefined) {
    throw refusal(
      `No cgroup v2 hierarchy is mounted. The lab needs one to group its processes (cgroup ${paths.name}).`,
    );
  }
}

function checkDisk(paths: LabPaths, gigabytes: number): void {
  mkdirSync(paths.root, { recursive: true });
  const { bavail, bsize } = statfsSync(paths.root);
  const free = (bavail * bsize) / GIGABYTE;
  if (free < gigabytes) {
    throw refusal(
      `${paths.root} has ${free.toFixed(1)} GB free and the lab needs ${gigabytes} GB; make room or set LAB_CACHE_DIR to another disk.`,
    );
  }
}

/** Refuses a machine without Go, or with one that is too old. */
export async function checkGo(): Promise<void> {
  const needed = GO_MINIMUM.join(".");
  const version = (await tryCommand(["go", "env", "GOVERSION"])).stdout.trim();
  const found = /^go(\d+)\.(\d+)/.exec(version);
  if (found === null)
    throw refusal(`The lab builds Kubernetes, Istio and others from source: install Go ${needed} or later.`);
  const [major, minor] = [Number(found[1]), Number(found[2])];
  if (major < GO_MINIMUM[0] || (major === GO_MINIMUM[0] && minor < GO_MINIMUM[1])) {
    throw refusal(`The lab needs Go ${needed} or later to build its components; this is ${version}.`);
  }
}

function refusal(sentence: string): ExitError {
  return new ExitError(sentence, EXIT.unavailable);
}
