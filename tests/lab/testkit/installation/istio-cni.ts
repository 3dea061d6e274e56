import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cniConfiguration, cniPrograms } from "../../../../lab/cluster/cluster-config.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shellBlock } from "../../../../scripts/shell-blocks/blocks.ts";
import { shell } from "../cluster/shell.ts";
import { runStep } from "./installation.ts";

/**
 * Istio's installer adds its plugin to a file of the node's network configuration, and removes the file in the end: it gets
 * one of its own, which containerd reads first.
 */
const CHAINED = "05-lab-istio.conflist";

/** The flags that tell Istio's chart `cni` where this node keeps its CNI plugins and their configuration. */
const CNI_FLAGS = [
  `--set cniBinDir='${cniPrograms(labPaths())}'`,
  `--set cniConfDir='${cniConfiguration(labPaths())}'`,
  `--set cniConfFileName=${CHAINED}`,
].join(" ");

/** Installs it as docs/operate/csi.md says, but for the directories. */
export async function installCni(repositories: { istioRepo: string; chartRepo: string }): Promise<void> {
  const directory = cniConfiguration(labPaths());
  copyFileSync(join(directory, "10-lab.conflist"), join(directory, CHAINED));
  const block = shellBlock("docs/operate/csi.md#istio-cni");
  await runStep(block.replace(" istio/cni ", ` istio/cni ${CNI_FLAGS} `), repositories);
}

/** Takes istio-cni away, if it is there. New pods then need istio-init again. */
export async function removeCni(): Promise<void> {
  await shell("helm uninstall istio-cni -n istio-system --ignore-not-found --wait --timeout 60s");
  rmSync(join(cniConfiguration(labPaths()), CHAINED), { force: true });
}
