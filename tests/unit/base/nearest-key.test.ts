import { expect, test } from "vitest";
import { nearestKey } from "../../../tools/base/nearest-key.ts";

test.each([
  ["fil", ["file", "hostPath"], "file"],
  ["attestor", ["attestors", "listen"], "attestors"],
  ["HOSTPATH", ["file", "hostPath"], "hostPath"],
  ["credentialsTTL", ["credentialTTL", "renewalInterval"], "credentialTTL"],
  ["renewInterval", ["credentialTTL", "renewalInterval"], "renewalInterval"],
])("%s means %s's %s", (key, candidates, expected) => {
  expect(nearestKey(key, candidates)).toBe(expected);
});

test.each([
  ["replicas", ["file", "hostPath"]],
  ["x", ["id", "ca"]],
  ["foo", ["bot"]],
  ["anything", []],
])("%s is near nothing in %s", (key, candidates) => {
  expect(nearestKey(key, candidates)).toBeUndefined();
});
