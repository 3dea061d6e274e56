import { describe, expect, test } from "vitest";
import { asIstioOperator, istioValues } from "../../tools/chart/istio-values.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { teleportDocuments } from "../../tools/teleport/documents.ts";
import {
  SCENARIOS,
  scenarioInputs,
  scenarioIstiodValues,
  scenarioManifests,
  scenarioValues,
} from "../support/scenarios.ts";
import { renderNotes } from "./support/notes.ts";

/** One readable file for each document, so that a change of the chart shows in review as what it changes for a user. */
describe.each(SCENARIOS)("%s", (scenario) => {
  const snapshot = (file: string) => `__snapshots__/${scenario}/${file}`;

  test("manifests", async () => {
    await expect(await scenarioManifests(scenario)).toMatchFileSnapshot(snapshot("manifests.yaml"));
  });

  test("values for istiod", async () => {
    const istiod = await scenarioIstiodValues(scenario);
    await expect(istiod).toMatchFileSnapshot(snapshot("istiod-values.yaml"));
    await expect(asIstioOperator(istiod)).toMatchFileSnapshot(snapshot("istio-operator.yaml"));
  });

  test("Teleport's documents", async () => {
    const documents = teleportDocuments(await scenarioValues(scenario));
    const text = documents.map(({ text }) => text).join("---\n");
    await expect(text).toMatchFileSnapshot(snapshot("teleport.yaml"));
  });

  test("NOTES", async () => {
    const notes = await renderNotes(await scenarioInputs(scenario));
    await expect(notes).toMatchFileSnapshot(snapshot("NOTES.txt"));
  });
});

/** The gateways' values have one value of ours in them, the template's name: two scenarios show it. */
test.each(["minimal", "everything"])("%s: values for Istio's chart of gateways", async (scenario) => {
  const gateway = await istioValues(systemRunner, await scenarioInputs(scenario), "gateway");
  await expect(gateway).toMatchFileSnapshot(`__snapshots__/${scenario}/gateway-values.yaml`);
});
