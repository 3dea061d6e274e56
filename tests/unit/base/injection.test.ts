import { readFileSync } from "node:fs";
import { Environment } from "@marcbachmann/cel-js";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { isMeshedNamespace, proxiesOf } from "../../../tools/base/injection.ts";

/** The admission policy's variables, by name, without what Helm renders. */
const POLICY = readFileSync(new URL("../../../chart/templates/mesh/admission.yaml", import.meta.url), "utf8");
const DOCUMENT = POLICY.split(/^---$/m)[0]?.replaceAll(/\{\{.*?\}\}/g, "") ?? "";
const { variables } = (parse(DOCUMENT) as { spec: { variables: { name: string; expression: string }[] } }).spec;

const CEL = new Environment({ enableOptionalTypes: true, unlistedVariablesAreDyn: true });

/** A variable of the policy, evaluated for a pod in a namespace; those that it names are evaluated first. */
function variable(name: string, object: unknown, namespaceLabels: Labels): unknown {
  const expression = variables.find((entry) => entry.name === name)?.expression ?? "";
  const needed = [...expression.matchAll(/variables\.(\w+)/g)].map(([, other = ""]) => other);
  return CEL.evaluate(expression, {
    object,
    namespaceObject: { metadata: namespaceLabels === undefined ? {} : { labels: namespaceLabels } },
    variables: Object.fromEntries(needed.map((other) => [other, variable(other, object, namespaceLabels)])),
  });
}

type Labels = Record<string, string> | undefined;

const NAMESPACES: [labels: Labels, meshed: boolean][] = [
  [undefined, false],
  [{}, false],
  [{ "istio-injection": "enabled" }, true],
  [{ "istio-injection": "disabled" }, false],
  [{ "istio-injection": "" }, false],
  [{ "istio.io/rev": "default" }, true],
  [{ "istio.io/rev": "canary" }, true],
  [{ "istio-injection": "enabled", "istio.io/rev": "canary" }, true],
  [{ "istio-injection": "disabled", "istio.io/rev": "canary" }, false],
  [{ "istio-injection": "", "istio.io/rev": "canary" }, false],
];

const APP = { name: "app" };
const PROXY = { name: "istio-proxy" };

/** What a pod asks for by labels does not count, since its proxy is there when admission and doctor see it. */
const PODS: [what: string, labels: Labels, spec: PodContainers, proxies: number][] = [
  ["without a proxy", undefined, { containers: [APP] }, 0],
  ["that opts out", { "sidecar.istio.io/inject": "false" }, { containers: [APP] }, 0],
  ["that asks for a proxy in vain", { "sidecar.istio.io/inject": "true" }, { containers: [APP] }, 0],
  ["that names a revision in vain", { "istio.io/rev": "canary" }, { containers: [APP], initContainers: [APP] }, 0],
  ["with a proxy as a container", undefined, { containers: [APP, PROXY] }, 1],
  ["with a proxy by its own label", { "sidecar.istio.io/inject": "true" }, { containers: [APP, PROXY] }, 1],
  ["with a proxy by its own revision", { "istio.io/rev": "canary" }, { containers: [APP, PROXY] }, 1],
  ["with a native sidecar", undefined, { containers: [APP], initContainers: [APP, PROXY] }, 1],
  ["of a gateway", { "sidecar.istio.io/inject": "true" }, { containers: [PROXY] }, 1],
  ["that opts out and brings a proxy", { "sidecar.istio.io/inject": "false" }, { containers: [APP, PROXY] }, 1],
];

interface PodContainers {
  containers: { name: string }[];
  initContainers?: { name: string }[];
}

describe.each(NAMESPACES)("a namespace with the labels %j", (labels, meshed) => {
  it(`is ${meshed ? "" : "not "}meshed for doctor`, () => {
    expect(isMeshedNamespace(labels)).toBe(meshed);
  });

  it(`is ${meshed ? "" : "not "}meshed for the admission policy`, () => {
    expect(variable("meshedNamespace", {}, labels)).toBe(meshed);
  });

  it.each(PODS)("a pod %s is meshed for the admission policy if the namespace is or it has a proxy", (...pod) => {
    const [, podLabels, spec, proxies] = pod;
    const object = { metadata: podLabels === undefined ? {} : { labels: podLabels }, spec };
    expect(variable("meshed", object, labels)).toBe(meshed || proxies > 0);
  });
});

describe.each(PODS)("a pod %s", (_, labels, spec, proxies) => {
  it(`has ${proxies} proxies for doctor, install and learn`, () => {
    expect(proxiesOf(spec)).toHaveLength(proxies);
  });

  it(`has ${proxies} proxies for the admission policy`, () => {
    const object = { metadata: labels === undefined ? {} : { labels }, spec };
    expect(variable("proxies", object, undefined)).toHaveLength(proxies);
  });
});
