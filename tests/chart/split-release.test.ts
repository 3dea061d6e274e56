import { expect, test } from "vitest";
import { renderManifests } from "../../tools/chart/manifests.ts";
import type { ValuesInputs } from "../../tools/programs/helm.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { DEFAULTS } from "../../tools/values/defaults.ts";
import { readValuesInputs } from "../../tools/values/inputs.ts";
import { loadGraphValues } from "../../tools/values/load.ts";
import { partText } from "../../tools/values/parts.ts";
import { once } from "../support/render-many.ts";
import { repositoryPath } from "../support/run-helm.ts";
import { renderNotes } from "./support/notes.ts";

/** What docs/operate/policies.md promises under "Large graphs": parts of a mesh render what the whole renders. */

/** Everything that a part could lose: a null, labels of all objects, words that Helm takes for other types, Sock Shop. */
const OPTIONS = {
  files: [repositoryPath("chart/ci/graph-values.yaml")],
  sets: [
    "tbot.resources.limits=null",
    "global.commonLabels.team=platform",
    "mesh.rootNamespace=istio-root",
    "mesh.mtls.mode=PERMISSIVE",
    "sockShop.enabled=true",
    "mesh.applications.office.services.0o12.labels.app=n",
    "mesh.applications.office.services.0o12.serviceAccount=off",
    "mesh.applications.shop.services.orders.callers[4].service=0o12",
    "mesh.applications.shop.services.orders.callers[4].application=office",
    "mesh.applications.shop.services.orders.callers[5].service=catalogue",
    "mesh.applications.shop.services.orders.callers[5].application=sock-shop",
  ],
};

const values = once(() => loadGraphValues(systemRunner, OPTIONS));

/** The documents that Helm prints, sorted: it goes by kind, and a part's place among others says nothing. */
async function documents(inputs: ValuesInputs): Promise<string[]> {
  const printed = await renderManifests(systemRunner, { inputs, namespace: "teleport-system" }, DEFAULTS);
  return printed
    .split(/^---\n/m)
    .map((document) => document.trim())
    .filter((document) => document !== "")
    .toSorted();
}

async function part({ only = [], without = [] }: { only?: string[]; without?: string[] }): Promise<string[]> {
  const text = await partText(systemRunner, await values(), { only, without });
  return documents({ files: [{ name: "part", text }], sets: [] });
}

test("applications in releases of their own and the rest of the mesh have the documents of one release", async () => {
  const whole = await documents(await readValuesInputs(systemRunner, OPTIONS));
  const shop = await part({ only: ["shop"] });
  const others = await part({ only: ["office", "open"] });
  const rest = await part({ without: ["shop", "office", "open"] });
  expect([...shop, ...others, ...rest].toSorted()).toEqual(whole);
  expect(shop.join("\n")).toContain('"example.teleport.sh/ns/office/sa/off"');
  const text = await partText(systemRunner, await values(), { only: ["shop"], without: [] });
  expect(await renderNotes({ files: [{ name: "part", text }], sets: [] })).not.toContain("mesh.admission is off");
  const places = shop.map((document) => /^ {2}namespace: "(.*)"$/m.exec(document)?.[1]);
  expect(new Set(places)).toEqual(new Set(["shop"]));
});

test("an application of a mesh that is off has no policy, in a release of its own either", async () => {
  const off = [
    "mesh.enabled=false",
    ...["shop", "office", "closed"].map((name) => `mesh.applications.${name}.mode=off`),
  ];
  const all = await loadGraphValues(systemRunner, { files: OPTIONS.files, sets: off });
  const text = await partText(systemRunner, all, { only: ["shop", "open"], without: [] });
  expect(await documents({ files: [{ name: "part", text }], sets: [] })).toEqual([]);
});

test("a part of an application that is not there, or is the chart's own, is refused", async () => {
  await expect(part({ only: ["shp"] })).rejects.toThrow(
    '"shp" is not in mesh.applications: name one that is; did you mean shop?',
  );
  await expect(part({ without: ["sock-shop"] })).rejects.toThrow('"sock-shop" is not in mesh.applications');
});
