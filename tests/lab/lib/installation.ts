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

/** Where the document's names of clusters and repositories are set: the lab sets its own instead. */
const NAMES = "export TELEPORT_CLUSTER=";

/** How the document's istiod step takes the values; the lab's come behind them. */
const ISTIOD_VALUES = " -f istiod-values.yaml --wait";

/** The steps of docs/installation.md up to the test app, as the lab runs them: all blocks but the one that only sets names. */
export function installationSteps(): DocumentedStep[] {
  const numbered = documentedSteps(join(REPOSITORY, "docs", "installation.md")).filter(({ heading }) =>
    /^[0-9]\. /.test(heading),
  );
  const others = numbered.filter(({ script }) => !script.includes(NAMES));
  if (others.length !== numbered.length - 1)
    throw new Error(`docs/installation.md has not exactly one block with "${NAMES}"`);
  return others;
}

/**
 * Runs one documented step as it is written. Three things differ, as the document's first paragraph says: the names are the
 * lab's, istiod also gets the lab's overrides, and values.yaml gets the lab's images and the test app.
 */
export async function runStep(
  step: DocumentedStep,
  addresses: { istioRepo: string; chartRepo: string },
): Promise<string> {
  const exports = [
    // Repositories of the lab's user, not of whoever runs the lab.
    `export HELM_CONFIG_HOME=${USER_DIR}/helm-config HELM_CACHE_HOME=${USER_DIR}/helm-cache`,
    `export TELEPORT_CLUSTER=${TELEPORT_CLUSTER_NAME}`,
    `export TELEPORT_PROXY=${TELEPORT_HOST}:${TELEPORT_PORT}`,
    `export ISTIO_REPO=${addresses.istioRepo}`,
    `export CHART_REPO=${addresses.chartRepo}`,
  ];
  // -u: a name that the document sets and the lab does not would be empty.
  const output = await shell([...exports, "set -eu", withLabOverrides(step)].join("\n"), { cwd: USER_DIR });
  if (step.script.includes("istio-teleport init")) appendFileSync(join(USER_DIR, "values.yaml"), stringify(LAB_VALUES));
  return output;
}

/** The step's script; istiod's with a second values file. Throws if that step is not written as expected any more. */
export function withLabOverrides({ heading, script }: DocumentedStep): string {
  if (!heading.endsWith(" istiod")) return script;
  if (!script.includes(ISTIOD_VALUES))
    throw new Error(`docs/installation.md, "${heading}": the lab finds no "${ISTIOD_VALUES}" to put its values behind`);
  return script.replace(ISTIOD_VALUES, ` -f istiod-values.yaml -f '${ISTIO_LAB_VALUES}' --wait`);
}

/** Throws, with the mend, unless 01-installation.test.ts has installed everything. */
export async function requireInstalled(): Promise<void> {
  const status = await tryShell("helm status istio-teleport -n teleport-system");
  if (status.code !== 0)
    throw new Error("istio-teleport is not installed in the lab: run 01-installation.test.ts first");
}
