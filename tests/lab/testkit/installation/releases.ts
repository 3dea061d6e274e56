import { join } from "node:path";
import { istioCharts } from "../../../../lab/build/toolbox.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { type Outcome, shell, tryShell } from "../cluster/shell.ts";
import { ISTIO_LAB_VALUES, REPOSITORY, USER_DIR } from "./installation.ts";
import { istiodAnswers } from "./layers.ts";

/** `--set` flags of Helm and of render. */
export function setFlags(sets: readonly string[]): string {
  return sets.map((set) => `--set ${set}`).join(" ");
}

/** Upgrades the chart's release to the user's values and `sets`; what it left, whatever its exit code. */
export function tryUpgrade(sets: readonly string[]): Promise<Outcome> {
  const line = `helm upgrade istio-teleport '${REPOSITORY}/chart' -n teleport-system -f values.yaml ${setFlags(sets)}`;
  return tryShell(line, { cwd: USER_DIR });
}

/** The same, and throws unless it works. */
export async function upgrade(sets: readonly string[]): Promise<void> {
  const { code, stderr } = await tryUpgrade(sets);
  if (code !== 0) throw new Error(`helm upgrade: ${stderr}`);
}

/** Gives Teleport the resources that the user's values and `sets` ask for. */
export async function createTeleportResources(sets: readonly string[]): Promise<void> {
  const render = `npx -p istio-teleport istio-teleport render teleport -f values.yaml ${setFlags(sets)}`;
  await shell(`${render} | tctl create -f`, { cwd: USER_DIR });
}

export async function tbotRolledOut(): Promise<void> {
  await shell("kubectl -n teleport-system rollout status daemonset/tbot --timeout=120s");
}

/** Upgrades istiod's release to the values that render prints for the user's; waits until the new istiod answers. */
export async function upgradeIstiod(istioSets: readonly string[] = []): Promise<void> {
  const chart = join(istioCharts(labPaths()), "istio-control", "istio-discovery");
  await shell(
    `npx -p istio-teleport istio-teleport render istio -f values.yaml |
     helm upgrade istiod '${chart}' -n istio-system -f - -f '${ISTIO_LAB_VALUES}' ${setFlags(istioSets)} --wait`,
    { cwd: USER_DIR },
  );
  await istiodAnswers();
}
