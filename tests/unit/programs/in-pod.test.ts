import { writeFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { istioTeleport } from "../../../tools/program.ts";
import { chosenCluster } from "../../../tools/programs/chosen-cluster.ts";
import { withKubeApi } from "../../../tools/programs/kube-api/kube-api.ts";
import { kubectl } from "../../../tools/programs/kubectl.ts";
import { podsWithProxy } from "../../../tools/programs/pods-with-proxy.ts";
import type { Runner } from "../../../tools/programs/run.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { runMain } from "../../../tools/terminal/run-command.ts";
import { captureOutput } from "../support/captured-output.ts";
import { type FakeApiServer, fakeApiServer } from "../support/fake-api-server.ts";
import { jwksBytes, rsaKey } from "../support/keys.ts";
import { MISSING } from "../support/missing-path.ts";
import { refusal } from "../support/refusal.ts";

// As tried with kubectl 1.32 and 1.37 in a pod without a kubeconfig.
const NO_CONTEXT = "error: current-context must exist in order to minify\n";
const NO_CLUSTER =
  "The connection to the server localhost:8080 was refused - did you specify the right host or port?\n";
const PODS = JSON.stringify({
  items: [{ metadata: { name: "a", namespace: "shop" }, spec: { containers: [{ name: "istio-proxy" }] } }],
});

const JWKS = Buffer.from(jwksBytes(rsaKey("1").jwk)).toString();

let calls: string[];
let server: FakeApiServer | undefined;

/** A kubectl in a pod: with any flag that says something of the cluster, it does not take the pod's own. */
const runner: Runner = {
  async run({ program, args }, options) {
    if (program !== "kubectl") return systemRunner.run({ program, args }, options);
    const line = args.join(" ");
    calls.push(line);
    const said = (stdout: string) => ({ code: 0, stdout: Buffer.from(stdout), stderr: "" });
    const refused = (stderr: string) => ({ code: 1, stdout: Buffer.from(""), stderr });
    if (line.includes("config view")) return refused(NO_CONTEXT);
    if (/--(request-timeout|context|kubeconfig)/.test(line)) return refused(NO_CLUSTER);
    if (line.includes("jwks")) return said(JWKS);
    return said(line.includes("get pods") ? PODS : "{}");
  },
  async serve({ args }) {
    const line = args.join(" ");
    calls.push(line);
    server = await fakeApiServer(/--unix-socket=(\S+)/.exec(line)?.[1] ?? "", () => ({
      body: { gitVersion: "v1.37.0" },
    }));
    return server.close;
  },
};

beforeEach(() => {
  calls = [];
  vi.stubEnv("KUBERNETES_SERVICE_HOST", "10.96.0.1");
  vi.stubEnv("KUBERNETES_SERVICE_PORT", "443");
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

async function cli(...args: string[]) {
  const output = captureOutput();
  process.exitCode = undefined;
  await runMain(istioTeleport(runner), ["node", "istio-teleport", ...args]);
  const status = process.exitCode ?? 0;
  process.exitCode = undefined;
  vi.restoreAllMocks();
  return { ...output, status };
}

test("gen-token and gen-token --check work with the pod's own cluster, and name it", async () => {
  const made = await cli("gen-token", "--format", "json");
  expect(made).toMatchObject({
    status: 0,
    stderr: expect.stringContaining("1 key of this pod's cluster (https://10.96.0.1:443): "),
  });
  const file = join(await mkdtemp(join(tmpdir(), "in-pod-")), "token.json");
  writeFileSync(file, made.stdout);
  const checked = await cli("gen-token", "--check", file);
  expect(checked).toMatchObject({ status: 0, stderr: expect.stringContaining("is up to date") });
});

test("graph learn finds the pods there", async () => {
  const values = ["--set", "global.teleport.clusterName=a.example", "--set", "global.teleport.proxyAddr=a.example:443"];
  const { stderr } = await cli("graph", "learn", ...values, "--namespace", "shop");
  expect(
    calls.some((line) => /^logs --namespace shop a/.test(line)),
    stderr,
  ).toBe(true);
});

test("doctor reads there, through kubectl proxy", async () => {
  const version = await withKubeApi({ runner }, (api) => api.get("/version"));
  expect(version).toEqual({ ok: true, value: { gitVersion: "v1.37.0" } });
});

test("commands that settle on a cluster settle on the pod's own, and say so", async () => {
  const { access, described } = await chosenCluster({ runner });
  expect(described).toBe("this pod's cluster (https://10.96.0.1:443)");
  // No kubeconfig is no fault here.
  expect(calls).toHaveLength(1);
  expect(await podsWithProxy(access, "")).toEqual(["shop"]);
  vi.stubEnv("KUBERNETES_SERVICE_HOST", "fd00::1");
  expect((await chosenCluster({ runner })).server).toBe("https://[fd00::1]:443");
});

test.each([{ context: "prod" }, { kubeconfig: "/a" }])(
  "with %j a request has its limit in a pod, too",
  async (choice) => {
    await kubectl({ runner, ...choice }, "read x", ["get", "x"]).catch(() => {});
    expect(calls[0]).toContain("--request-timeout=20s get x");
  },
);

test("outside a pod each request has its limit, and a cluster without a context is kubectl's default", async () => {
  vi.stubEnv("KUBERNETES_SERVICE_HOST", "");
  vi.stubEnv("KUBECONFIG", MISSING);
  const answers: Runner = {
    ...runner,
    run: async (command, options) =>
      command.args.includes("/version")
        ? { code: 0, stdout: Buffer.from("{}"), stderr: "" }
        : runner.run(command, options),
  };
  expect((await chosenCluster({ runner: answers })).described).toBe("kubectl's default cluster");
  expect(calls[0]).toContain("--request-timeout=20s config view");
});

test("outside a pod no command goes on without a cluster: the missing kubeconfig is the whole answer", async () => {
  vi.stubEnv("KUBERNETES_SERVICE_HOST", "");
  vi.stubEnv("KUBECONFIG", MISSING);
  expect(await refusal(() => chosenCluster({ runner }), EXIT.unavailable)).toBe(
    `Could not reach the cluster: KUBECONFIG names ${MISSING}, which does not exist; correct the path, or give --kubeconfig.`,
  );
});
