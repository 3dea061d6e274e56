import { copyFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cniConfiguration, cniPrograms } from "../../../../lab/cluster/cluster-config.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shell } from "../cluster/shell.ts";
import { documentedBlock } from "./documented-steps.ts";
import { REPOSITORY, runStep } from "./installation.ts";

/** The page on this mode of the socket. */
export const CSI_DOCUMENT = join(REPOSITORY, "docs", "operate", "csi.md");

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
  const heading = "1. Install istio-cni";
  const script = documentedBlock(CSI_DOCUMENT, heading).replace(" istio/cni ", ` istio/cni ${CNI_FLAGS} `);
  await runStep({ heading, script }, repositories);
}

/** Takes istio-cni away, if it is there. New pods then need istio-init again. */
export async function removeCni(): Promise<void> {
  await shell("helm uninstall istio-cni -n istio-system --ignore-not-found --wait --timeout 60s");
  rmSync(join(cniConfiguration(labPaths()), CHAINED), { force: true });
}
