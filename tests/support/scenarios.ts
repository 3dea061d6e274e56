import { readdirSync } from "node:fs";
import { parse } from "yaml";
import { CHART_DIR } from "../../tools/base/package-files.ts";
import { istioValues } from "../../tools/chart/istio-values.ts";
import { type Manifest, parseManifests, renderManifests } from "../../tools/chart/manifests.ts";
import type { ValuesInputs } from "../../tools/programs/helm.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { DEFAULTS } from "../../tools/values/defaults.ts";
import { readValuesInputs } from "../../tools/values/inputs.ts";
import { mergedValues } from "../../tools/values/load.ts";
import type { Values } from "../../tools/values/types.ts";
import { kept } from "./kept.ts";
import { repositoryPath } from "./run-helm.ts";

/** Names of the scenarios: each file chart/ci/<name>-values.yaml is one. */
export const SCENARIOS = readdirSync(repositoryPath("chart/ci")).map((file) => file.replace(/-values\.yaml$/, ""));

/** Inputs of a scenario, with further `--set` assignments. */
export function scenarioInputs(scenario: string, ...sets: string[]): Promise<ValuesInputs> {
  return readValuesInputs(systemRunner, { files: [repositoryPath(`chart/ci/${scenario}-values.yaml`)], sets });
}

/** The merged values of a scenario; merged once for the same chart and arguments. */
export function scenarioValues(scenario: string, ...sets: string[]): Promise<Values> {
  return kept(CHART_DIR, ["values", scenario, ...sets], async () =>
    mergedValues(systemRunner, await scenarioInputs(scenario, ...sets)),
  );
}

/** A rendered object with everything that is in it. */
export type Rendered = Omit<Manifest, "metadata"> & {
  // biome-ignore lint/suspicious/noExplicitAny: assertions reach into objects of every kind
  [key: string]: any;
};

/** The objects of a scenario, in the order of their rendering; rendered once for the same chart and arguments. */
export function renderObjects(scenario: string, ...sets: string[]): Promise<Rendered[]> {
  return kept(CHART_DIR, ["objects", scenario, ...sets], async () =>
    parseManifests(await scenarioManifests(scenario, ...sets)),
  );
}

/** The same by "Kind name", for scenarios in which no two namespaces have an object of one kind and name. */
export async function renderScenario(scenario: string, ...sets: string[]): Promise<Map<string, Rendered>> {
  const objects = await renderObjects(scenario, ...sets);
  return new Map(objects.map((object) => [`${object.kind} ${object.metadata.name}`, object]));
}

/** The text of a scenario's manifests; rendered once for the same chart and arguments. */
export function scenarioManifests(scenario: string, ...sets: string[]): Promise<string> {
  return kept(CHART_DIR, ["manifests", scenario, ...sets], async () => {
    const inputs = await scenarioInputs(scenario, ...sets);
    // The defaults stand in for the merged values, which only say where to render to and would be another run of Helm.
    return renderManifests(systemRunner, { inputs, namespace: namespaceOf(inputs) }, DEFAULTS);
  });
}

/** The namespace of the release: the one that a scenario's file gives tbot. */
function namespaceOf({ files }: ValuesInputs): string {
  const own = files.map(({ text }) => parse(text) as { tbot?: { namespace?: { name?: string } } });
  return own.at(-1)?.tbot?.namespace?.name ?? DEFAULTS.tbot.namespace.name;
}

/** The values for istiod of a scenario; rendered once for the same chart and arguments. */
export function scenarioIstiodValues(scenario: string, ...sets: string[]): Promise<string> {
  return kept(CHART_DIR, ["istiod", scenario, ...sets], async () =>
    istioValues(systemRunner, await scenarioInputs(scenario, ...sets), "istiod"),
  );
}
