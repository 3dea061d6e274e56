import { describe, expect, test, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { helmReason, helmTemplate, helmVersion, isNewEnough } from "../../../tools/programs/helm.ts";
import type { Outcome, Runner } from "../../../tools/programs/run.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { mergedValues } from "../../../tools/values/load.ts";
import { scenarioInputs } from "../../support/scenarios.ts";
import { MISSING } from "../support/missing-path.ts";
import { refusal } from "../support/refusal.ts";

// Each runs Helm or a whole command, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

test.each([
  ["v3.18.0", true],
  ["v3.22.0+gabc", true],
  ["v4.2.3\n", true],
  ["v3.17.9", false],
  ["v2.17.0", false],
  ["Client: v2", false],
  ["", false],
])("Helm %j is new enough: %s", (version, expected) => {
  expect(isNewEnough(version)).toBe(expected);
});

test.each([
  [
    "Error: execution error at (istio-teleport/templates/checks/checks.yaml:3:4): x is empty: set it.\n\nUse --debug flag to render out invalid YAML\n",
    "x is empty: set it.",
  ],
  [
    'level=WARN msg="old"\nError: failed parsing --set data: key "a" has no value\n',
    'Helm: failed parsing --set data: key "a" has no value.',
  ],
  [
    "Error: execution error at (istio-teleport/templates/checks/checks.yaml:3:4): x is empty: set it.\ny is 2: lower it.\n\nUse --debug flag to render out invalid YAML\n",
    "x is empty: set it.\ny is 2: lower it.",
  ],
  ["Error: first line\n  second line\n", "Helm: first line second line."],
  ["something else\n", "Helm: something else."],
])("what Helm says, %j, becomes one sentence for each problem", (stderr, sentence) => {
  expect(helmReason(stderr)).toBe(sentence);
});

/** A Helm of some version whose `template` ends so, and its calls so far. */
function fakeHelm(version: string, template: Partial<Outcome> = {}): { runner: Runner; calls: string[] } {
  const calls: string[] = [];
  const run: Runner["run"] = async ({ program, args }) => {
    calls.push(`${program} ${args[0]}`);
    const said = args[0] === "version" ? { stdout: Buffer.from(version) } : template;
    return { code: 0, stdout: Buffer.from(""), stderr: "", ...said };
  };
  return { runner: { ...systemRunner, run }, calls };
}

const printed = (version: string) =>
  Buffer.from(`---\n# Source: x\n{"helm":"${version}","values":{},"problems":[],"applications":{}}\n`);
const NOTHING = { files: [], sets: [] };

describe("Helm is asked once", () => {
  test("when it renders: what is printed names its version", async () => {
    const calls: string[] = [];
    const run: Runner["run"] = (command, options) => {
      calls.push(`${command.program} ${command.args[0]}`);
      return systemRunner.run(command, options);
    };
    await mergedValues({ ...systemRunner, run }, await scenarioInputs("minimal"));
    expect(calls).toEqual(["helm template"]);
  });

  test("when a template refuses, which no other version would take", async () => {
    const stderr = "Error: execution error at (istio-teleport/templates/x.yaml:3:4): x is empty: set it.\n";
    const { runner, calls } = fakeHelm("v3.17.9", { code: 1, stderr });
    expect(await refusal(() => helmTemplate(runner, { inputs: NOTHING }))).toBe("x is empty: set it.");
    expect(calls).toEqual(["helm template"]);
  });
});

describe("a Helm that is too old is refused with its version and what to install", () => {
  const SENTENCE = "The helm on PATH is v3.17.9; install Helm 3.18 or later: https://helm.sh/docs/intro/install/.";

  test("though it renders", async () => {
    const { runner } = fakeHelm("v3.17.9", { stdout: printed("v3.17.9") });
    expect(await refusal(() => mergedValues(runner, NOTHING), EXIT.unavailable)).toBe(SENTENCE);
  });

  test("when it cannot render", async () => {
    const { runner, calls } = fakeHelm("v3.17.9", { code: 1, stderr: "Error: unknown flag: --show-only\n" });
    expect(await refusal(() => helmTemplate(runner, { inputs: NOTHING }), EXIT.unavailable)).toBe(SENTENCE);
    expect(calls).toEqual(["helm template", "helm version"]);
  });

  test("of an unknown version", async () => {
    const { runner } = fakeHelm("", { code: 1, stderr: "Error: x\n" });
    expect(await refusal(() => helmTemplate(runner, { inputs: NOTHING }), EXIT.unavailable)).toContain(
      "The helm on PATH is of an unknown version; install",
    );
  });
});

test("a Helm that fails does not say its version", async () => {
  const run: Runner["run"] = async () => ({ code: 3, stdout: Buffer.from("v4.0.0"), stderr: "Error: no plugin\n" });
  const runner = { ...systemRunner, run };
  expect(await refusal(() => helmVersion(runner), EXIT.unavailable)).toBe(
    'Could not ask Helm\'s version: helm says "no plugin".',
  );
  // Of what failed first, the reason is told.
  expect(await refusal(() => helmTemplate(runner, { inputs: NOTHING }))).toBe("Helm: no plugin.");
});

test("without a Helm the sentence says how to install one", async () => {
  vi.stubEnv("PATH", MISSING);
  try {
    expect(await refusal(() => helmTemplate(systemRunner, { inputs: NOTHING }), EXIT.unavailable)).toBe(
      "Could not render the chart: helm is not on the PATH; install Helm 3.18 or later: https://helm.sh/docs/intro/install/.",
    );
  } finally {
    vi.unstubAllEnvs();
  }
});

test("a kube version that is none is refused in Helm's words", async () => {
  const sentence = await refusal(() =>
    helmTemplate(systemRunner, { inputs: { files: [], sets: [] }, kubeVersion: "new" }),
  );
  expect(sentence).toContain("could not parse");
});
