import { expect, test } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import type { Runner } from "../../../tools/programs/run.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { teleportResources } from "../../../tools/teleport/resources.ts";
import { DEFAULTS } from "../../../tools/values/defaults.ts";
import { refusal } from "../support/refusal.ts";

/** A tctl that fails with these words. */
function saying(words: string): Runner {
  const run: Runner["run"] = async () => ({ code: 1, stdout: Buffer.from(""), stderr: `ERROR: ${words}\n` });
  return { ...systemRunner, run };
}

test.each([
  "role istio-workload-identity-issuer is not found",
  'bot "istio-tbot" not found',
  'workload_identity "istio-workloads" doesn\'t exist',
  "user bot-istio-tbot does not exist",
])("what Teleport does not have is absent: %s", async (words) => {
  const resources = await teleportResources(saying(words), DEFAULTS);
  expect(new Set(resources.map(({ state }) => state))).toEqual(new Set(["absent"]));
});

test.each([
  "tsh: command not found",
  "sh: 1: tsh: not found",
  'exec: "tsh": executable file not found in $PATH',
  "access denied",
])("what keeps tctl from asking says nothing about it: %s", async (words) => {
  const sentence = await refusal(() => teleportResources(saying(words), DEFAULTS), EXIT.unavailable);
  expect(sentence).toContain(`tctl says "${words}"`);
});
