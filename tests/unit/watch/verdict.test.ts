import { expect, it } from "vitest";
import { CHECKS } from "../../../tools/doctor/checks/all.ts";
import type { Check } from "../../../tools/doctor/checks/check.ts";
import { diagnose, type Result } from "../../../tools/doctor/diagnose.ts";
import { makeFacts } from "../../../tools/doctor/facts/make-facts.ts";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";
import { keyCheck } from "../../../tools/watch/key-check.ts";
import { verdict } from "../../../tools/watch/verdict.ts";
import { healthySnapshot } from "../doctor/healthy-snapshot.ts";

const tokenKeys = CHECKS.find(({ id }) => id === "token-keys") as Check;

/** What all checks find in a mesh whose token has keys with these IDs. */
function results(ids: readonly string[], snapshot: Snapshot = healthySnapshot()): Result[] {
  const checks = CHECKS.map((check) => (check === tokenKeys ? keyCheck(tokenKeys, ids) : check));
  return diagnose(checks, makeFacts(snapshot));
}

function publishedIds(): string[] {
  const { jwks } = healthySnapshot();
  if (!jwks.ok) throw new Error("the recorded snapshot has no keys");
  return (JSON.parse(jwks.value) as { keys: { kid: string }[] }).keys.map(({ kid }) => kid);
}

it("is Normal on a healthy mesh whose keys are those of the token", () => {
  expect(verdict(results(publishedIds()))).toEqual({
    type: "Normal",
    reason: "MeshHealthy",
    message: expect.stringMatching(/^no problem, \d+ ok, \d+ skipped\.$/),
  });
});

it("is a problem, by its ID and with the key, where the cluster publishes a key that the token lacks", () => {
  const [kid] = publishedIds();
  const { type, reason, message } = verdict(results(["other"]));
  expect({ type, reason }).toEqual({ type: "Warning", reason: "MeshProblem" });
  expect(message).toContain("Failed: token-keys.");
  expect(message).toContain(`token-keys: the join token: missing key "${kid}"`);
});

it("only warns of a key that the cluster no longer publishes", () => {
  const { type, message } = verdict(results([...publishedIds(), "other"]));
  expect(type).toBe("Normal");
  expect(message).toContain('token-keys: the join token: extra key "other"');
});

it("says what could not be checked, and why", () => {
  const forbidden = "permission missing: configmaps is forbidden";
  const { type, reason, message } = verdict(
    results(publishedIds(), { ...healthySnapshot(), istioConfigMaps: { ok: false, reason: forbidden } }),
  );
  expect({ type, reason }).toEqual({ type: "Warning", reason: "ChecksIncomplete" });
  expect(message).toMatch(/Not checked: .*trust-domain/);
  expect(message).toContain(forbidden);
});

it("keys that could not be read are unknown, not fine", () => {
  const snapshot: Snapshot = { ...healthySnapshot(), jwks: { ok: false, reason: "no answer" } };
  expect(
    results(publishedIds(), snapshot).find(({ check }) => check === tokenKeys || check.id === "token-keys"),
  ).toMatchObject({ status: "unknown" });
});

it("fits an Event, which Kubernetes refuses above 1024 bytes, with whole characters and none that steers a terminal", () => {
  const long: Result = {
    check: tokenKeys,
    status: "problem",
    examined: "x",
    findings: [{ status: "problem", subject: "\u001b[31m", evidence: "é€🙂".repeat(400), hint: "x" }],
  };
  for (const padding of ["", "a", "aa", "aaa"]) {
    const [finding] = long.findings;
    const { message } = verdict([{ ...long, findings: [{ ...finding, subject: `\u001b${padding}` } as never] }]);
    expect(Buffer.byteLength(message)).toBeLessThanOrEqual(1024);
    expect(Buffer.byteLength(message)).toBeGreaterThan(1016);
    expect(message).toMatch(/^1 problem, 0 ok\. Failed: token-keys\. token-keys: \\u\{1b\}/);
    expect(message).toMatch(/[é€🙂]…$/u);
  }
});
