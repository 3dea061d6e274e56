import { Document, isMap, isScalar, parseDocument, type YAMLMap } from "yaml";
import { schemaCheck } from "../base/schema-check.ts";
import { helmTemplate, type ValuesInputs } from "../programs/helm.ts";
import { unexpectedOutput } from "../programs/json-from.ts";
import type { Runner } from "../programs/run.ts";
import { gateway, istiod } from "./compiled-istio-values-schemas.ts";

/** Which of Istio's charts the values are for: istio/istiod or istio/gateway. */
export type IstioChart = "istiod" | "gateway";

const CHECKS = { istiod: schemaCheck(istiod, {}), gateway: schemaCheck(gateway, {}) };

/**
 * The values for one of Istio's charts, exactly as the chart's own template prints them; Helm's "Source" header is
 * left out.
 *
 * @param inputs checked before, by `mergedValues`
 */
export async function istioValues(runner: Runner, inputs: ValuesInputs, chart: IstioChart): Promise<string> {
  const printed = await helmTemplate(runner, {
    inputs: { ...inputs, sets: [...inputs.sets, `istio.print=${chart}`] },
    showOnly: ["templates/istio/istio-values.yaml"],
  });
  const values = printed.replace(/^---\n# Source: .*\n/, "");
  CHECKS[chart](parseOneMap(values).toJSON(), `The chart's values for ${chart}`);
  return values;
}

/** Keys that an IstioOperator has below `values` under the chart's names. */
const IN_VALUES = ["sidecarInjectorWebhook", "global", "gateways"];

/**
 * istiod's values as the IstioOperator document that `istioctl install -f` takes. istioctl knows mesh configuration
 * and istiod's environment under other paths than the chart does (Istio operator/pkg/apis/values_types.proto; the
 * chart's zzy_descope_legacy.yaml moves `pilot` back).
 */
export function asIstioOperator(valuesText: string): string {
  const source = parseOneMap(valuesText);
  const operator = new Document({
    apiVersion: "install.istio.io/v1alpha1",
    kind: "IstioOperator",
    metadata: { name: "istio-teleport", namespace: "istio-system" },
    spec: { meshConfig: {}, values: {} },
  });
  operator.commentBefore = " For istioctl install -f, written by istio-teleport.";
  for (const pair of source.items) {
    const key = isScalar(pair.key) ? pair.key.value : undefined;
    if (key === "meshConfig") operator.setIn(["spec", "meshConfig"], pair.value);
    else if (key === "env") operator.addIn(["spec", "values", "pilot"], pair);
    else if (key === "pilot")
      for (const each of (pair.value as YAMLMap).items) operator.addIn(["spec", "values", "pilot"], each);
    else if (IN_VALUES.includes(String(key))) operator.addIn(["spec", "values"], pair);
    else throw new Error(`the chart's Istio values have ${key}, whose place in an IstioOperator is not known here`);
  }
  return operator.toString({ lineWidth: 0 });
}

function parseOneMap(text: string): YAMLMap {
  const { contents, errors } = parseDocument(text);
  if (errors[0] || !isMap(contents)) {
    throw unexpectedOutput(text, "helm", "render the chart's Istio values", "one YAML map");
  }
  return contents;
}
