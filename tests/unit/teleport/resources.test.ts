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

/** A tctl that has this role. */
const role = (spec: object): Runner => ({
  ...systemRunner,
  run: async ({ args }) => ({
    code: args[1]?.startsWith("role/") ? 0 : 1,
    stdout: Buffer.from(JSON.stringify([{ kind: "role", version: "v7", metadata: { name: ROLE, id: 1 }, spec }])),
    stderr: "not found",
  }),
});
const ROLE = "istio-workload-identity-issuer";
const RULES = [{ resources: ["workload_identity"], verbs: ["read", "list"] }];
const OPTIONS = { max_session_ttl: "1h0m0s", forward_agent: false };
const LABELS = { env: ["dev"], "part-of": ["istio-teleport"] };

test.each([
  [
    "what Teleport adds is no difference",
    { options: OPTIONS, allow: { workload_identity_labels: LABELS, rules: RULES } },
    "same",
    [],
  ],
  [
    "a value and a list that differ, with their paths",
    {
      options: { max_session_ttl: "30h0m0s" },
      allow: { workload_identity_labels: { ...LABELS, env: ["dev", "prod"] }, rules: RULES },
    },
    "changed",
    [
      'spec.options.max_session_ttl is "30h0m0s", not "1h0m0s"',
      'spec.allow.workload_identity_labels.env is ["dev","prod"], not ["dev"]',
    ],
  ],
  [
    "what is not there, and long values cut",
    { allow: { workload_identity_labels: LABELS, rules: [{ ...RULES[0], verbs: ["*"] }, ...RULES, ...RULES] } },
    "changed",
    [
      'spec.options is not set, not {"max_session_ttl":"1h0m0s"}',
      expect.stringMatching(
        /^spec\.allow\.rules is \[\{"resources":\["workload_identity"\],"verbs":\["\*"\]\}.*…, not \[.*\]$/,
      ),
    ],
  ],
])("%s", async (_, spec, state, differences) => {
  const [found] = await teleportResources(role(spec), DEFAULTS);
  expect(found).toMatchObject({ kind: "role", name: ROLE, state, differences });
});
