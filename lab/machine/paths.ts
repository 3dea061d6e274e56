import { createHash } from "node:crypto";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the lab keeps its files. Nothing is written outside `root`, but for the Debian packages it installs. */
export interface LabPaths {
  /** Name of the lab's network namespace, cgroup and CNI network: labs of other folders have other names, and aren't touched. */
  readonly name: string;
  /** Holds everything below; `LAB_CACHE_DIR`, else `$XDG_CACHE_HOME/istio-teleport/lab`, else `~/.cache/istio-teleport/lab`. */
  readonly root: string;
  /** Built components, one folder a version and recipe; survives `down` and `down --wipe`. */
  readonly components: string;
  /** Image archives, one file a content hash; survives `down` and `down --wipe`. */
  readonly images: string;
  /** Go's build cache while components are being built; removed afterwards. */
  readonly goBuild: string;
  /** The running (or stopped) lab: cluster state, keys, logs; `down --wipe` removes it. */
  readonly state: string;
  /** Records of running processes, one file a process. */
  readonly run: string;
  /** One log a process or build. */
  readonly log: string;
  readonly pki: string;
  readonly config: string;
  /** Wrappers that run the lab's programs inside the lab; on PATH after `env.sh`. */
  readonly wrappers: string;
  /** kubeconfig of the cluster administrator. */
  readonly kubeconfig: string;
  /** File for a person to source. */
  readonly envFile: string;
  /** Data of Teleport's Auth Service; the double's: resources, CA, `log/events.log`, `admin.sock`. */
  readonly teleportData: string;
}

/** The folder `lab/` of this repository, with the pinned Go modules, the Teleport double and the lab's values. */
export const LAB_SOURCES = fileURLToPath(new URL("..", import.meta.url)).replace(/\/$/, "");

/** Name of a lab in the usual folder, and start of the name of any other. */
export const LAB_NAME = "istio-teleport-lab";

/** The lab's paths for an environment (only `LAB_CACHE_DIR`, `XDG_CACHE_HOME` are read). */
export function labPaths(env: NodeJS.ProcessEnv = process.env): LabPaths {
  const usualRoot = resolve(env.XDG_CACHE_HOME || join(homedir(), ".cache"), "istio-teleport", "lab");
  const root = resolve(env.LAB_CACHE_DIR || usualRoot);
  const state = join(root, "state");
  return {
    name: root === usualRoot ? LAB_NAME : `${LAB_NAME}-${createHash("sha256").update(root).digest("hex").slice(0, 6)}`,
    root,
    components: join(root, "bin"),
    images: join(root, "images"),
    goBuild: join(root, "go-build"),
    state,
    run: join(state, "run"),
    log: join(state, "log"),
    pki: join(state, "pki"),
    config: join(state, "config"),
    wrappers: join(state, "wrappers"),
    kubeconfig: join(state, "kubeconfig"),
    envFile: join(state, "env.sh"),
    teleportData: join(state, "teleport"),
  };
}

/** A second lab beside that of an environment, for the half of the tests that runs at the same time. */
export function secondLabPaths(env: NodeJS.ProcessEnv = process.env): LabPaths {
  return labPaths({ LAB_CACHE_DIR: `${labPaths(env).root}-second` });
}
