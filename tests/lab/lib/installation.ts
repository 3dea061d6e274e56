import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { stringify } from "yaml";
import { TELEPORT_CLUSTER_NAME, TELEPORT_HOST, TELEPORT_PORT } from "../../../lab/addresses.ts";
import { labPaths } from "../../../lab/paths.ts";
import { userFolder } from "../../../lab/user-folder.ts";
import { type DocumentedStep, documentedSteps } from "./documented-steps.ts";
import { shell, tryShell } from "./shell.ts";

export const REPOSITORY = new URL("../../..", import.meta.url).pathname;

/** The folder that plays the user's; the package is installed there already. */
export const USER_DIR = userFolder(labPaths());

/** What the lab's user sets beside the two required values: images that no registry serves here, and the test app. */
const LAB_VALUES = {
  tbot: { image: { repository: "lab.local/tbot", tag: "lab" } },
  testApp: {
    enabled: true,
    server: { image: "lab.local/go-httpbin:lab" },
    client: { image: "lab.local/client:lab" },
  },
};

/** Overrides of istiod for the lab's plain Envoy; see the file itself. */
export const ISTIO_LAB_VALUES = join(REPOSITORY, "lab", "istio-lab-values.yaml");

/** The steps of docs/installation.md up to the test app, as the lab runs them. */
export function installationSteps(): DocumentedStep[] {
  return documentedSteps(join(REPOSITORY, "docs", "installation.md")).filter((step) => /^[0-9]\. /.test(step.heading));
}

/**
 * Runs one documented step as it is written. Two things differ: addresses (the document's `export` lines are replaced),
 * and istiod also gets the lab's overrides.
 */
export async function runStep(
  step: DocumentedStep,
  addresses: { istioRepo: string; chartRepo: string },
): Promise<string> {
  if (step.script.includes("export TELEPORT_CLUSTER=")) return "";
  const exports = [
    // Repositories of the lab's user, not of whoever runs the lab.
    `export HELM_CONFIG_HOME=${USER_DIR}/helm-config HELM_CACHE_HOME=${USER_DIR}/helm-cache`,
    `export TELEPORT_CLUSTER=${TELEPORT_CLUSTER_NAME}`,
    `export TELEPORT_PROXY=${TELEPORT_HOST}:${TELEPORT_PORT}`,
    `export ISTIO_REPO=${addresses.istioRepo}`,
    `export CHART_REPO=${addresses.chartRepo}`,
  ];
  const script = step.script.replace(" -f - --wait", ` -f - -f '${ISTIO_LAB_VALUES}' --wait`);
  const output = await shell([...exports, "set -e", script].join("\n"), { cwd: USER_DIR });
  if (script.includes("istio-teleport init")) appendFileSync(join(USER_DIR, "values.yaml"), stringify(LAB_VALUES));
  return output;
}

/** Throws, with the mend, unless 01-installation.test.ts has installed everything. */
export async function requireInstalled(): Promise<void> {
  const status = await tryShell("helm status istio-teleport -n teleport-system");
  if (status.code !== 0)
    throw new Error("istio-teleport is not installed in the lab: run 01-installation.test.ts first");
}
