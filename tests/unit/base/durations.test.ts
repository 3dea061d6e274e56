import { expect, it } from "vitest";
import { goDuration, goDurationSeconds, protobufDurationSeconds } from "../../../tools/base/durations.ts";

it.each([
  ["1h", 3600],
  ["20m", 1200],
  ["90s", 90],
  ["1h30m", 5400],
  ["1.5h", 5400],
  [".5m", 30],
  ["1500ms", 1.5],
  ["336h", 1209600],
])("the Go duration %s has %d s", (text, seconds) => {
  expect(goDurationSeconds(text)).toBe(seconds);
});

it.each(["", "1", "h", "1d", "-1h", "1 h", "1h ", "1H", "1h30", "1.2.3s", "1e3s"])("%j is no Go duration", (text) => {
  expect(goDurationSeconds(text)).toBeUndefined();
});

it.each([
  [3600, "1h0m0s"],
  [5400, "1h30m0s"],
  [90, "1m30s"],
  [45, "45s"],
  [1209601, "336h0m1s"],
])("%d s are %s for Go, and read back the same", (seconds, text) => {
  expect(goDuration(seconds)).toBe(text);
  expect(goDurationSeconds(text)).toBe(seconds);
});

it("takes a protobuf duration in whole seconds only", () => {
  expect(protobufDurationSeconds("3600s")).toBe(3600);
  for (const text of ["1h", "3600", "60m", "1.5s", "-1s", "s", " 1s", "1s\n"]) {
    expect(protobufDurationSeconds(text)).toBeUndefined();
  }
});
