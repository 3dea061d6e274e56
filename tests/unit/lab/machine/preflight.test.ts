import { describe, expect, it } from "vitest";
import {
  DEFAULT_VERSIONS,
  KUBERNETES_RECIPES,
  recipesOf,
  TELEPORT_DOUBLE_RECIPE,
} from "../../../../lab/build/recipes.ts";
import { neededGigabytes } from "../../../../lab/machine/preflight.ts";

describe("free disk space that the lab asks for", () => {
  it("is 25 GB before the first build and 4 GB when everything is built", () => {
    expect(neededGigabytes(recipesOf(DEFAULT_VERSIONS))).toBe(25);
    expect(neededGigabytes([])).toBe(4);
  });

  it("follows what is missing: little after an edit of the double, much after an update of Kubernetes", () => {
    expect(neededGigabytes([TELEPORT_DOUBLE_RECIPE])).toBeLessThan(8);
    expect(neededGigabytes([KUBERNETES_RECIPES["1.37"]])).toBeGreaterThan(10);
  });
});
