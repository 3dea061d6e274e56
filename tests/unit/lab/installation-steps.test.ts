import { describe, expect, it } from "vitest";
import { blocksOf, shellBlocks } from "../../../scripts/shell-blocks/blocks.ts";
import { ISTIO_LAB_VALUES, withLabOverrides } from "../../lab/testkit/installation/installation.ts";

const PAGE = "docs/start/installation.md";

describe(`${PAGE} in the lab`, () => {
  const steps = shellBlocks("docs/start/installation.md#steps");

  it("is every block of steps 0 to 6 but the one that sets names", () => {
    const numbered = blocksOf(PAGE).filter(({ heading }) => /^[0-9]\. /.test(heading));
    const others = numbered.filter(({ script }) => !script.includes("export TELEPORT_CLUSTER="));
    expect(others).toHaveLength(numbered.length - 1);
    expect(steps).toEqual(others);
    expect([...new Set(steps.map(({ heading }) => heading[0]))]).toEqual(["0", "1", "2", "3", "4", "5", "6"]);
  });

  it("gets the lab's values in istiod's step, and nowhere else", () => {
    const changed = steps.filter(({ script }) => withLabOverrides(script) !== script);
    expect(changed.map(({ heading }) => heading)).toEqual(["3. istiod"]);
    expect(changed.map(({ script }) => withLabOverrides(script))[0]).toContain(`-f '${ISTIO_LAB_VALUES}'`);
  });

  it("is refused when istiod's step is written in another way", () => {
    const script = "helm upgrade --install istiod istio/istiod --wait -f -";
    expect(() => withLabOverrides(script)).toThrow(/no " -f istiod-values\.yaml".* istio\/istiod --wait -f -/);
  });
});
