import { expect, test, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { checkManifests, parseManifests, renderManifests } from "../../../tools/chart/manifests.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { mergedValues } from "../../../tools/values/load.ts";
import { scenarioInputs } from "../../support/scenarios.ts";
import { refusal } from "../support/refusal.ts";

// Each runs Helm or a whole command, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const object = (name: string, more = "") => `apiVersion: v1\nkind: ConfigMap\nmetadata: {name: ${name}}\n${more}`;

test("documents that hold nothing are left out", () => {
  const text = `---\n${object("a")}---\n# nothing\n---\n${object("b")}`;
  expect(parseManifests(text).map(({ metadata }) => metadata.name)).toEqual(["a", "b"]);
});

test.each([
  ["a: [", '"a: ["'],
  [`---\n${object("a")}---\nDone.\n`, '"Done."'],
  ["- a\n", '"- a"'],
])("what is not YAML with objects is not ours: %j", async (text, quoted) => {
  const sentence = await refusal(() => parseManifests(text), EXIT.unavailable);
  expect(sentence).toContain(`helm printed ${quoted} in place of YAML with objects`);
});

test.each([
  ["kind: A\nmetadata: {name: a}\n", "no apiVersion, kind or name"],
  ["apiVersion: v1\nmetadata: {name: a}\n", "no apiVersion, kind or name"],
  ["apiVersion: v1\nkind: A\n", "no apiVersion, kind or name"],
  [`${object("a")}---\n${object("a")}`, "ConfigMap a is rendered twice"],
])("%j is a defect", (text, sentence) => {
  expect(() => checkManifests(parseManifests(text))).toThrow(sentence);
});

test("the same name in two namespaces is no duplicate", () => {
  const text = "apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: x}\n";
  expect(() => checkManifests(parseManifests(`${text}---\n${text.replace("x}", "y}")}`))).not.toThrow();
});

test("a key that tbot would ignore is refused in the rendered ConfigMap", async () => {
  const inputs = await scenarioInputs("minimal");
  const text = await renderManifests(systemRunner, { inputs }, await mergedValues(systemRunner, inputs));
  const sentence = await refusal(() => checkManifests(parseManifests(text.replace("skip_verify:", "skipverify:"))));
  expect(sentence).toContain("did you mean services[0].attestors.kubernetes.kubelet.skip_verify");
});

test("Istio's values are no manifests", async () => {
  const inputs = await scenarioInputs("minimal", "istio.print=istiod");
  const values = await mergedValues(systemRunner, inputs);
  expect(await refusal(() => renderManifests(systemRunner, { inputs }, values))).toContain('istio.print is "istiod"');
});

test("the release's namespace is tbot's unless another one is named", async () => {
  const inputs = await scenarioInputs("minimal");
  const values = await mergedValues(systemRunner, inputs);
  const namespaces = async (namespace?: string) =>
    parseManifests(await renderManifests(systemRunner, { inputs, ...(namespace && { namespace }) }, values))
      .filter(({ kind }) => kind === "Namespace")
      .map(({ metadata }) => metadata.name);
  expect(await namespaces()).toEqual([]);
  expect(await namespaces("elsewhere")).toEqual(["teleport-system"]);
});
