import { describe, expect, it } from "vitest";
import { ISTIO_LAB_VALUES, installationSteps, withLabOverrides } from "../../lab/testkit/installation/installation.ts";

describe("docs/start/installation.md in the lab", () => {
  const steps = installationSteps();

  it("is every block of steps 0 to 6 but the one that sets names", () => {
    expect([...new Set(steps.map(({ heading }) => heading[0]))]).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
    expect(steps.filter(({ script }) => script.includes("export "))).toEqual([]);
  });

  it("gets the lab's values in istiod's step, and nowhere else", () => {
    const changed = steps.filter((step) => withLabOverrides(step) !== step.script);
    expect(changed.map(({ heading }) => heading)).toEqual(["3. istiod"]);
    expect(changed.map(withLabOverrides)[0]).toContain(`-f '${ISTIO_LAB_VALUES}'`);
  });

  it("is refused when istiod's step is written in another way", () => {
    const step = { heading: "3. istiod", script: "helm upgrade --install istiod istio/istiod --wait -f -" };
    expect(() => withLabOverrides(step)).toThrow(/3\. istiod.*has no " -f istiod-values\.yaml"/);
  });
});
