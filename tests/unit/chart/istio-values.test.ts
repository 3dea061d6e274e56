import { expect, test, vi } from "vitest";
import { parse } from "yaml";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { asIstioOperator, istioValues } from "../../../tools/chart/istio-values.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { repositoryPath, runHelm } from "../../support/run-helm.ts";
import { scenarioInputs } from "../../support/scenarios.ts";
import { refusal } from "../support/refusal.ts";

// Each runs Helm or a whole command, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

test.each(["istiod", "gateway"] as const)("%s: what helm template prints, without its header", async (chart) => {
  const values = repositoryPath("chart/ci/minimal-values.yaml");
  const printed = await runHelm([
    ...["template", "istio-teleport", repositoryPath("chart"), "--values", values, "--kube-version", "1.33.0"],
    ...["--set", `istio.print=${chart}`, "--show-only", "templates/istio/istio-values.yaml"],
  ]);
  const [separator, source, ...rest] = printed.trimEnd().split("\n");
  expect([separator, source]).toEqual(["---", "# Source: istio-teleport/templates/istio/istio-values.yaml"]);
  expect(await istioValues(systemRunner, await scenarioInputs("minimal"), chart)).toBe(`${rest.join("\n")}\n`);
});

test("the IstioOperator says the same, at istioctl's paths", async () => {
  const text = await istioValues(systemRunner, await scenarioInputs("minimal"), "istiod");
  const values = parse(text);
  expect(parse(asIstioOperator(text))).toEqual({
    apiVersion: "install.istio.io/v1alpha1",
    kind: "IstioOperator",
    metadata: { name: "istio-teleport", namespace: "istio-system" },
    spec: {
      meshConfig: values.meshConfig,
      values: { pilot: { env: values.env }, sidecarInjectorWebhook: values.sidecarInjectorWebhook },
    },
  });
});

test("the IstioOperator keeps the comments", async () => {
  const text = await istioValues(systemRunner, await scenarioInputs("minimal"), "istiod");
  const comments = (yaml: string) => yaml.split("\n").filter((line) => /^ +# /.test(line)).length;
  expect(comments(asIstioOperator(text))).toBeGreaterThanOrEqual(comments(text));
});

test("values that have no place in an IstioOperator are a defect", () => {
  expect(() => asIstioOperator("other: 1")).toThrow(/the chart's Istio values/);
});

test.each(["- list", "a: [", "text"])("values of another form, %j, are quoted", async (text) => {
  const sentence = await refusal(() => asIstioOperator(text), EXIT.unavailable);
  expect(sentence).toContain(`helm printed "${text}" in place of one YAML map`);
});
