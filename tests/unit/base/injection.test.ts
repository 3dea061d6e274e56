import { readFileSync } from "node:fs";
import { Environment } from "@marcbachmann/cel-js";
import { describe, expect, it } from "vitest";
import { isMeshedNamespace } from "../../../tools/base/injection.ts";

const POLICY = readFileSync(new URL("../../../chart/templates/mesh/admission.yaml", import.meta.url), "utf8");
const [, MESHED_NAMESPACE = ""] = /- name: meshedNamespace\s+expression: >-\n((?: {8}.*\n)+)/.exec(POLICY) ?? [];

const CEL = new Environment({ enableOptionalTypes: true, unlistedVariablesAreDyn: true });

const CASES: [labels: Record<string, string> | undefined, meshed: boolean][] = [
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

describe.each(CASES)("a namespace with the labels %j", (labels, meshed) => {
  it(`is ${meshed ? "" : "not "}meshed for doctor`, () => {
    expect(isMeshedNamespace(labels)).toBe(meshed);
  });

  it(`is ${meshed ? "" : "not "}meshed for the admission policy`, () => {
    const metadata = labels === undefined ? {} : { labels };
    expect(CEL.evaluate(MESHED_NAMESPACE, { namespaceObject: { metadata } })).toBe(meshed);
  });
});
