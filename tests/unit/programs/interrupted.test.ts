import { expect, test, vi } from "vitest";
import { istioTeleport } from "../../../tools/program.ts";
import { Interrupted, type Runner } from "../../../tools/programs/run.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { runMain } from "../../../tools/terminal/run-command.ts";
import { repositoryPath } from "../../support/run-helm.ts";
import { captureOutput } from "../support/captured-output.ts";
import { jwksBytes, rsaKey } from "../support/keys.ts";

const JWKS = Buffer.from(jwksBytes(rsaKey("1").jwk));
const VALUES = ["-f", repositoryPath("chart/ci/minimal-values.yaml")];
const POD = {
  metadata: { name: "a", labels: {} },
  spec: { serviceAccountName: "a", containers: [{ name: "istio-proxy" }] },
};

/** What each command asks, but for the call that the user interrupts. */
async function interrupted(when: RegExp, args: readonly string[]) {
  const calls: string[] = [];
  const run: Runner["run"] = async (command, options) => {
    const line = [command.program, ...command.args].join(" ");
    calls.push(line);
    if (when.test(line)) throw new Interrupted("Interrupted (SIGINT); rerun the same command to resume.");
    if (command.program === "helm") return systemRunner.run(command, options);
    const stdout = line.includes("jwks")
      ? JWKS
      : Buffer.from(line.includes("get pods") ? JSON.stringify({ items: [POD, POD] }) : "{}");
    return { code: 0, stdout, stderr: "" };
  };
  const output = captureOutput();
  process.exitCode = undefined;
  await runMain(istioTeleport({ ...systemRunner, run }), ["node", "istio-teleport", ...args]);
  const { exitCode } = process;
  process.exitCode = undefined;
  vi.restoreAllMocks();
  return { ...output, exitCode, calls };
}

test.each<[string, RegExp, string[]]>([
  ["gen-token, while it asks for the issuer", /openid-configuration/, ["gen-token", "--format", "json"]],
  [
    "graph learn, while it reads a log",
    /^kubectl .* logs /,
    [
      "graph",
      "learn",
      "--set",
      "global.teleport.clusterName=a.example",
      "--set",
      "global.teleport.proxyAddr=a.example:443",
      "--namespace",
      "shop",
    ],
  ],
  ["doctor --pre, while it asks for nodes", /get nodes/, ["doctor", "--pre", ...VALUES]],
])("%s: nothing on stdout, exit code 2", async (_, when, args) => {
  const { stdout, stderr, exitCode, calls } = await interrupted(when, args);
  expect(
    calls.some((line) => when.test(line)),
    calls.join("\n"),
  ).toBe(true);
  expect(stderr).toContain("Interrupted (SIGINT)");
  expect([stdout, exitCode]).toEqual(["", 2]);
});

test("render, while Helm merges: Helm is not started again", async () => {
  const { stdout, exitCode, calls } = await interrupted(/^helm /, ["render", "manifests", ...VALUES]);
  expect([stdout, exitCode]).toEqual(["", 2]);
  expect(calls).toHaveLength(1);
});
