import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";
import { istioTeleport } from "../../../tools/program.ts";
import type { Runner } from "../../../tools/programs/run.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { joinMeans, tokenDocument } from "../../../tools/teleport/join/join-token.ts";
import { parseJwks } from "../../../tools/teleport/join/jwks.ts";
import { runMain } from "../../../tools/terminal/run-command.ts";
import { captureOutput } from "../support/captured-output.ts";
import { envoyAdmin } from "../support/envoy-admin.ts";
import { type ApiAnswer, type FakeApiServer, fakeApiServer, statusObject } from "../support/fake-api-server.ts";
import { healthySnapshot } from "./healthy-snapshot.ts";

// The whole command, from kubectl to the report: an API server answers with the recorded objects.

vi.setConfig({ testTimeout: 30_000 });

let directory: string;
let server: FakeApiServer | undefined;
/** The calls of kubectl so far, each as its arguments, and how often its proxy was ended. */
let calls: string[];
let stopped: number;

/** A kubectl whose proxy is the server of the test. */
const runner: Runner = {
  run: async ({ program, args }) => {
    calls.push([program, ...args].join(" "));
    return { code: 0, stdout: Buffer.from("{}"), stderr: "" };
  },
  serve: async ({ program, args }) => {
    calls.push([program, ...args].join(" "));
    const flag = "--unix-socket=";
    const path = args.find((argument) => argument.startsWith(flag))?.slice(flag.length);
    await symlink(join(directory, "api"), path ?? "");
    return async () => {
      stopped++;
    };
  },
};

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "doctor-test-"));
  calls = [];
  stopped = 0;
});
afterEach(async () => {
  process.exitCode = undefined;
  process.stdout.removeAllListeners("error");
  await server?.close();
  server = undefined;
  await rm(directory, { recursive: true });
});

/** Given, so that no test asks Teleport's proxy. */
const VERSION = ["--teleport-version", "18.11.1"];

const run = (...args: string[]) => runWith(runner, ...args);

async function runWith(programs: Runner, ...args: string[]) {
  const output = captureOutput();
  try {
    await runMain(istioTeleport(programs), ["node", "istio-teleport", "doctor", ...VERSION, ...args]);
    return { ...output, status: process.exitCode ?? 0 };
  } finally {
    vi.restoreAllMocks();
  }
}

/** Serves what the snapshot was made of. */
async function serve(snapshot: Snapshot, change: (url: URL) => ApiAnswer | undefined = () => undefined) {
  const value = (key: keyof Snapshot) => (snapshot[key] as { value: unknown }).value;
  const list = (key: keyof Snapshot): ApiAnswer => ({ body: { items: value(key), metadata: {} } });
  const tbot = snapshot.tbotPods[0];
  if (tbot === undefined || !tbot.ready.ok) throw new Error("the recorded snapshot has no tbot");
  const ready = tbot.ready.value;
  const date = { Date: new Date(value("takenAt") as number).toUTCString() };
  const lists: [RegExp, keyof Snapshot][] = [
    [/^\/api\/v1\/nodes$/, "nodes"],
    [/\/kube-node-lease\/leases$/, "nodeLeases"],
    [/^\/api\/v1\/namespaces$/, "namespaces"],
    [/^\/api\/v1\/pods$/, "pods"],
    [/\/daemonsets\?.*name=tbot-csi,/, "csiDaemonSets"],
    [/\/daemonsets\?.*name=tbot,/, "tbotDaemonSets"],
    [/\/deployments\?.*app=istiod/, "istiods"],
    [/\/deployments\?.*gateway-name/, "gatewayDeployments"],
    [/\/csinodes$/, "csiNodes"],
    [/\/namespaces\/istio-system\/configmaps$/, "istioConfigMaps"],
    [/\/peerauthentications$/, "peerAuthentications"],
    [/\/authorizationpolicies$/, "authorizationPolicies"],
    [/\/destinationrules$/, "destinationRules"],
    [/\/events$/, "refusedCreations"],
  ];
  const objects: [RegExp, () => ApiAnswer][] = [
    [/^\/version$/, () => ({ body: { gitVersion: value("kubernetesVersion") }, headers: date })],
    [/^\/openid\/v1\/jwks$/, () => ({ body: value("jwks") })],
    [/\/validatingadmissionpolicies\//, () => ({ body: value("admissionPolicy") })],
    [/\/validatingadmissionpolicybindings\//, () => ({ body: value("admissionBinding") })],
    [/\/teleport-system\/configmaps\/tbot$/, () => ({ body: { data: { "tbot.yaml": value("tbotConfig") } } })],
    [/:3001\/proxy\/readyz$/, () => ({ body: ready, headers: date })],
    [/:3001\/proxy\/metrics$/, () => ({ body: 'x 1\nteleport_build_info{gitref="",version="18.11.1"} 1\n' })],
    [/\/log$/, () => ({ body: '{"level":"info","message":"x"}\nno JSON\n' })],
  ];
  server = await fakeApiServer(
    join(directory, "api"),
    (url, method, body) => {
      const changed = change(url);
      if (changed !== undefined) return changed;
      if (method === "POST") {
        const { subresource } = (JSON.parse(body) as { spec: { resourceAttributes: { subresource: string } } }).spec
          .resourceAttributes;
        return { status: 201, body: { status: { allowed: subresource === "pods" } } };
      }
      const selector = url.searchParams.get("labelSelector");
      const asked = selector === null ? url.pathname : `${url.pathname}?${selector}`;
      const key = lists.find(([pattern]) => pattern.test(asked))?.[1];
      if (key !== undefined) return list(key);
      return objects.find(([pattern]) => pattern.test(url.pathname))?.[1]();
    },
    (pod, requestPath) => envoyAdmin(snapshot, pod, requestPath),
  );
}

it("reads a healthy cluster and says so, in JSON and with exit code 0", async () => {
  await serve(healthySnapshot());
  const { stdout, stderr, status } = await run("--format", "json", "--context", "prod");
  expect(stderr).toBe("");
  const report = JSON.parse(stdout) as { exitCode: number; checks: { id: string; status: string; examined: string }[] };
  expect(report.checks.filter((check) => check.status !== "ok").map(({ id, status: own }) => `${id} ${own}`)).toEqual([
    "teleport-resources skipped",
    "join-token skipped",
    "token-keys skipped",
    "gateway-mount skipped",
    "csi-driver skipped",
    "gateway-api skipped",
    "destination-rules skipped",
  ]);
  expect({ status, exitCode: report.exitCode }).toEqual({ status: 0, exitCode: 0 });
  expect(report.checks.find(({ id }) => id === "proxy-issuer")?.examined).toBe("3 certificates");
});

it("writes its report to a file, without colours, and replaces one only by force", async () => {
  await serve(healthySnapshot());
  const file = join(directory, "report.txt");
  const flags = ["--only", "kubernetes-version", "--output", file];
  expect(await run(...flags)).toMatchObject({ status: 0, stdout: "", stderr: "" });
  expect(await readFile(file, "utf8")).toContain("ok       kubernetes-version");
  expect(await run(...flags)).toMatchObject({ status: 1, stderr: expect.stringContaining("already exists") });
  process.exitCode = undefined;
  expect(await run(...flags, "--force", "--format", "junit")).toMatchObject({ status: 0, stdout: "" });
  expect(await readFile(file, "utf8")).toMatch(/^<\?xml/);
});

it("asks kubectl for a proxy that refuses changes, and ends it", async () => {
  await serve(healthySnapshot());
  await run("--only", "kubernetes-version", "--context", "prod");
  expect(calls).toEqual([
    "kubectl --context=prod --request-timeout=20s get --raw /version",
    expect.stringMatching(
      /^kubectl --context=prod proxy --unix-socket=\S+ --reject-methods=\^\(PUT\|PATCH\|DELETE\)\$ --reject-paths=/,
    ),
  ]);
  expect(stopped).toBe(1);
});

it("runs the kubectl of PATH, be it a script that starts another, and ends both", async () => {
  await serve(healthySnapshot());
  const script = `#!/bin/sh
case "$*" in
"get --raw /version"|*" get --raw /version") printf '{}';;
"proxy --unix-socket="*)
  for argument; do case "$argument" in --unix-socket=*) ln -s '${join(directory, "api")}' "\${argument#--unix-socket=}";; esac; done
  sleep 60 & echo $! >'${join(directory, "proxy.pid")}'
  echo "Starting to serve on it"
  wait;;
*) exit 99;;
esac
`;
  await writeFile(join(directory, "kubectl"), script, { mode: 0o755 });
  vi.stubEnv("PATH", `${directory}${delimiter}${process.env.PATH}`);
  try {
    expect(await runWith(systemRunner, "--only", "kubernetes-version")).toMatchObject({ status: 0, stderr: "" });
  } finally {
    vi.unstubAllEnvs();
  }
  const pid = await readFile(join(directory, "proxy.pid"), "utf8");
  const { stdout: state } = spawnSync("ps", ["-o", "stat=", "-p", pid.trim()], { encoding: "utf8" });
  // Gone, or dead and not yet collected by whoever inherited it.
  expect(state.trim()).toMatch(/^(Z.*)?$/);
});

it("names the permission that is missing, continues, and ends with 2", async () => {
  await serve(healthySnapshot(), (url) =>
    url.pathname === "/api/v1/nodes" ? { status: 403, body: statusObject(403, "nodes is forbidden") } : undefined,
  );
  const { stdout, status } = await run("--only", "kubelet-rights,tbot-config");
  expect(stdout).toContain("this check: permission missing: nodes is forbidden");
  expect(stdout).toContain("no problem, 1 could not be checked, 1 ok.");
  expect(status).toBe(2);
});

it("does not call certificates fine that it could not read: --only brings what tells it", async () => {
  const snapshot = healthySnapshot();
  const [proxy] = snapshot.proxies;
  if (proxy !== undefined) proxy.secrets = { ok: false, reason: "x" };
  await serve(snapshot);
  const { stdout, status } = await run("--only", "proxy-issuer");
  expect(stdout).toContain("unknown  proxy-certificate");
  expect(stdout).toContain("ok       proxy-issuer");
  // proxy-certificate rests on it in turn.
  expect(stdout).toContain("ok       proxy-start");
  expect(status).toBe(2);
});

it("refuses a namespace that is not there", async () => {
  await serve(healthySnapshot());
  const { stdout, stderr, status } = await run("--namespace", "test-ap");
  expect({ stdout, status }).toEqual({ stdout: "", status: 1 });
  expect(stderr).toContain('--namespace "test-ap" is not in the cluster; correct the name.');
});

it("does not take the time that it reads for a difference of clocks", async () => {
  const start = Date.now();
  let later = 0;
  vi.spyOn(Date, "now").mockImplementation(() => start + later);
  const snapshot = healthySnapshot();
  const taken = snapshot.takenAt.ok ? snapshot.takenAt.value : 0;
  await serve(snapshot, (url) => {
    if (url.pathname === "/api/v1/pods") later = 15_000;
    if (!url.pathname.endsWith("/readyz")) return undefined;
    const ready = snapshot.tbotPods[0]?.ready;
    return { body: ready?.ok ? ready.value : {}, headers: { Date: new Date(taken + later).toUTCString() } };
  });
  expect(await run("--only", "clocks")).toMatchObject({ status: 0 });
});

it("compares the join token of a file, and ends with 1 on a problem", async () => {
  const snapshot = healthySnapshot();
  await serve(snapshot);
  const file = join(directory, "token.yaml");
  const jwks = snapshot.jwks.ok ? snapshot.jwks.value : "";
  const keys = parseJwks(Buffer.from(jwks), "the test");
  const token = {
    tokenName: "istio-tbot-k8s-join",
    botName: "istio-tbot",
    serviceAccounts: ["teleport-system:tbot"],
    means: joinMeans("static_jwks", { keys, issuer: "" }),
  };
  await writeFile(file, tokenDocument(token, "yaml"));
  const fits = await run("--only", "token-keys,join-token", "--token-file", file);
  expect(fits).toMatchObject({ status: 0, stdout: expect.stringContaining("no problem, 2 ok.") });
  process.exitCode = undefined;
  await writeFile(file, tokenDocument({ ...token, serviceAccounts: ["other:tbot"] }, "yaml"));
  const other = await run("--only", "token-keys,join-token", "--token-file", file);
  expect(other).toMatchObject({ status: 1, stdout: expect.stringContaining("PROBLEM  join-token") });
});

it("asks tctl with --tctl: of the cluster, of the join tokens, and of what the values make", async () => {
  await serve(healthySnapshot());
  const tctl: Record<string, string> = {
    status: "Cluster  lab.teleport.example\nVersion  20.0.1\n",
    "get tokens --format=json": "[]",
    "get bot/istio-tbot --format=json": JSON.stringify([
      { kind: "bot", version: "v1", metadata: { name: "istio-tbot" }, spec: { roles: [] } },
    ]),
  };
  const asked: string[] = [];
  const programs: Runner = {
    ...runner,
    run: async ({ program, args }, options) => {
      if (program === "helm") return systemRunner.run({ program, args }, options);
      if (program !== "tctl") return runner.run({ program, args }, options);
      const line = args.join(" ");
      asked.push(line);
      const said = tctl[line];
      return said === undefined
        ? { code: 1, stdout: Buffer.from(""), stderr: "ERROR: x is not found" }
        : { code: 0, stdout: Buffer.from(said), stderr: "" };
    },
  };
  const output = captureOutput();
  const values = ["--set", "global.teleport.clusterName=lab.teleport.example,global.teleport.proxyAddr=a.example:443"];
  const flags = ["--tctl", "--only", "teleport-resources,join-token,teleport-version", "--format", "json"];
  await runMain(istioTeleport(programs), ["node", "istio-teleport", "doctor", ...flags, ...values]);
  vi.restoreAllMocks();
  const { checks } = JSON.parse(output.stdout) as { checks: { id: string; findings: { evidence: string }[] }[] };
  const said = checks.flatMap(({ id, findings }) => findings.map(({ evidence }) => `${id}: ${evidence}`));
  expect(said).toEqual([
    expect.stringContaining("teleport-version: tbot is 18.11.1, the cluster 20.0.1;"),
    "teleport-resources: Teleport has none of this name, so that tbot may issue nothing",
    'teleport-resources: it is not what the values make: spec.roles is [], not ["istio-workload-identity-issuer"]',
    "teleport-resources: Teleport has none of this name, so that no workload gets a certificate",
    "join-token: Teleport has none of this name, so that tbot cannot join",
  ]);
  expect(asked.toSorted()).toEqual([
    "get bot/istio-tbot --format=json",
    "get role/istio-workload-identity-issuer --format=json",
    "get tokens --format=json",
    "get workload_identity/istio-workloads --format=json",
    "status",
  ]);
});

it("waits until it is fine", async () => {
  let asked = 0;
  await serve(healthySnapshot(), (url) => {
    if (url.pathname !== "/api/v1/nodes" || ++asked > 1) return undefined;
    return { status: 500, body: "not yet" };
  });
  expect(await run("--only", "kubelet-rights", "--wait", "20s")).toMatchObject({ status: 0 });
  expect(asked).toBe(2);
});

it.each([
  [["--only", "nonsense"], '--only "nonsense" is not a check. The checks are'],
  [["--only", "tbot-nods"], '--only "tbot-nods" is not a check; did you mean tbot-nodes?'],
  [["--wait", "soon"], '--wait "soon" is not a duration'],
  [["--teleport-version", "new"], '--teleport-version "new" is no version'],
  [["--token-file", "nope.json"], "The token file nope.json could not be read (ENOENT)"],
  [["--token-file", "x", "--tctl"], "--tctl reads the join token by itself; leave out --token-file, or --tctl."],
  [["--token-file", "-", "-f", "-"], "which can be read only once"],
  [["--force"], "--force lets --output replace a file; leave it out or add --output FILE."],
  [["--format", "xml"], "argument 'xml' is invalid"],
])("%j is refused in one line before the cluster is asked", async (args, sentence) => {
  const { status, stdout, stderr } = await run(...args);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(sentence);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(calls).toEqual([]);
});

it.each([
  [["--pre"], "--pre checks what your values ask for; give them with -f"],
  [["--pre", "--set", "a=b", "--wait", "5m"], "--wait is for a mesh that is installed"],
  [["--pre", "--set", "a=b", "--tctl"], "--pre asks tctl anyway; leave out --tctl."],
  [["--pre", "--set", "a=b", "-n", "shop"], "--namespace is for a mesh that is installed"],
  [["--pre", "--set", "a=b", "--token-file", "x"], "--token-file is for a mesh that is installed"],
  [["--pre", "--set", "a=b", "--teleport-version", "18.1.0"], "--teleport-version is for a mesh that is installed"],
  [["--pre", "--set", "a=b", "--only", "istio-mash"], "did you mean istio-mesh? The checks are programs,"],
  [["--pre", "--set", "tbot.debug=true"], "global.teleport.clusterName"],
  [["--skip-istio"], "--skip-istio is for --pre; leave it out, or add --pre."],
])("%j is refused before anything is looked at", async (args, sentence) => {
  const output = captureOutput();
  const withHelm: Runner = {
    ...runner,
    run: (command, options) => (command.program === "helm" ? systemRunner : runner).run(command, options),
  };
  await runMain(istioTeleport(withHelm), ["node", "istio-teleport", "doctor", ...args]);
  vi.restoreAllMocks();
  expect(output.stderr).toContain(sentence);
  expect([process.exitCode, output.stdout]).toEqual([1, ""]);
});
