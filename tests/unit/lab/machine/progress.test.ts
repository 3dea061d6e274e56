import { expect, it } from "vitest";
import { duration } from "../../../../lab/machine/progress.ts";

it.each([
  [0.04, "0.0 s"],
  [9.94, "9.9 s"],
  [9.96, "10 s"],
  [59.4, "59 s"],
  [60, "1 min"],
  [389.6, "6 min 30 s"],
])("duration: %d seconds are said as %s", (seconds, text) => {
  expect(duration(seconds)).toBe(text);
});
