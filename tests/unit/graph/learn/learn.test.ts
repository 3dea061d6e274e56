import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { type MeshGraph, meshGraph } from "../../../../tools/graph/mesh-graph.ts";
import { graphLearnCommand } from "../../../../tools/graph-learn.ts";
import { systemRunner } from "../../../../tools/programs/system-runner.ts";
import { runMain } from "../../../../tools/terminal/run-command.ts";
import { loadGraphValues } from "../../../../tools/values/load.ts";
import { repositoryPath } from "../../../support/run-helm.ts";
import { logLine } from "../../support/access-log-lines.ts";
import { captureOutput } from "../../support/captured-output.ts";
import { type FakeKubectl, fakeKubectl } from "../../support/fake-kubectl.ts";
import { MISSING } from "../../support/missing-path.ts";

/** `graph learn` as a user runs it: what is on stdout, what on stderr, and the exit code. */

// Most run Helm, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const VALUES = {
  global: { teleport: { clusterName: "a.example", proxyAddr: "a.example:443" } },
  mesh: {
    gateways: { public: { namespace: "ingress", serviceAccount: "gw" } },
    applications: {
      store: {
        namespace: "shop",
        services: {
          website: {
            labels: { app: "w" },
            serviceAccount: "web",
            ports: [{ port: 80, targetPort: 8079, protocol: "HTTP" }],
            callers: [{ anyone: true }, { gateway: "public" }],
          },
          database: {
            labels: { app: "d" },
            serviceAccount: "db",
            ports: [{ port: 3306, protocol: "TCP" }],
            callers: [{ service: "website" }],
          },
        },
      },
    },
  },
};

const USUAL = [
  "2026-11-24T16:14:11.233Z\tinfo\tEnvoy proxy is ready",
  logLine({ from: "web", to: "db", port: 3306 }),
  logLine({ to: "web", port: 8079, method: "GET" }),
  logLine({ from: "ingress/gw", to: "web", port: 8079, method: "GET" }),
];

let dir: string;
let kubectl: FakeKubectl;
let values: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "learn-test-"));
  values = await file("values.yaml", JSON.stringify(VALUES));
});
beforeEach(() => {
  kubectl = fakeKubectl();
});
afterEach(() => {
  process.exitCode = undefined;
  process.stdout.removeAllListeners("error");
});
afterAll(() => rm(dir, { recursive: true }));

async function file(name: string, text: string): Promise<string> {
  const path = join(dir, name);
  await writeFile(path, text);
  return path;
}

const log = (...lines: string[]) => file("access.log", `${lines.join("\n")}\n`);

async function run(...args: string[]) {
  const output = captureOutput();
  process.exitCode = undefined;
  try {
    await runMain(graphLearnCommand(kubectl.runner), ["node", "learn", ...args]);
    return { ...output, status: process.exitCode ?? 0 };
  } finally {
    vi.restoreAllMocks();
  }
}

/** The graph of values files as every other command reads it. */
async function graphOf(...files: string[]): Promise<MeshGraph> {
  return meshGraph(await loadGraphValues(systemRunner, { files }));
}

test("a compressed log is read, under any name, and a cut one is refused", async () => {
  const packed = gzipSync(`${USUAL.join("\n")}\n`);
  const path = join(dir, "packed.log");
  await writeFile(path, packed);
  expect(await run("-f", values, "--log", path)).toEqual(await run("-f", values, "--log", await log(...USUAL)));
  await writeFile(path, packed.subarray(0, packed.length - 12));
  expect((await run("--log", path)).stderr).toContain(
    "packed.log is compressed, and its end is missing: copy it again",
  );
});

test("one JSON value over many lines is read, as cloud CLIs print it", async () => {
  const events = USUAL.map((message) => ({ logStreamName: "istio-proxy", timestamp: 1, message }));
  for (const value of [{ events }, USUAL.slice(1).map((line) => ({ jsonPayload: JSON.parse(line) }))]) {
    const path = await file("pretty.json", `\n${JSON.stringify(value, null, 2)}\n`);
    expect(await run("-f", values, "--log", path)).toEqual(await run("-f", values, "--log", await log(...USUAL)));
  }
});

test("cut lines are counted", async () => {
  const [agent = "", call = "", ...others] = USUAL;
  const { stderr, status } = await run("-f", values, "--log", await log(agent, call, ...others, call.slice(0, 300)));
  expect(status).toBe(0);
  expect(stderr).toContain("1 line was cut by the container runtime or a collector and left out");
});

test("an unknown envelope is refused by the name of its field", async () => {
  const lines = USUAL.slice(1).map((line) => JSON.stringify({ payload: { text: line } }));
  const { stderr, stdout, status } = await run("--log", await log(...lines));
  expect({ stdout, status }).toEqual({ stdout: "", status: 1 });
  expect(stderr).toContain("has its lines in the field payload.text of other JSON objects");
  expect(stderr).toContain("`jq -r '.payload.text'`");
});

test("lines that an application quotes are refused, or told of beside others", async () => {
  const quoted = USUAL.slice(1).map((line) => `INFO user agent: ${line}`);
  const alone = await run("--log", await log(...quoted));
  expect({ stdout: alone.stdout, status: alone.status }).toEqual({ stdout: "", status: 1 });
  expect(alone.stderr).toContain("give the log of the container istio-proxy alone");
  const { stderr, status } = await run("--log", await log(...USUAL, quoted[0] as string));
  expect(status).toBe(0);
  expect(stderr).toContain("1 line was left out: text that no log collector writes stands before the access log");
});

describe("workloads that share a ServiceAccount", () => {
  const ofPod = (pod: string, call: Parameters<typeof logLine>[0]) =>
    JSON.stringify({ ...JSON.parse(logLine(call)), pod });
  const calls = ["orders-7d9f8c6b54-x7k2p", "carts-7d9f8c6b54-bcdfg", "users-0"].map((pod) =>
    ofPod(pod, { from: "default", to: "default", port: 80, method: "GET", path: "/" }),
  );
  const sentence =
    "Calls from and to the ServiceAccount default of the namespace shop were left out: carts, orders, users share it, and their certificates are the same. Give each workload a ServiceAccount of its own, and learn again.";

  test("are named, with the mend, and are no service that calls itself", async () => {
    const alone = await run("--log", await log(...calls));
    expect(alone).toMatchObject({ status: 1, stdout: "" });
    expect(alone.stderr).toContain(sentence);
    const { stdout, stderr, status } = await run("-f", values, "--log", await log(...USUAL, ...calls));
    expect(status).toBe(0);
    expect(stderr).toContain(sentence);
    expect(stdout).not.toContain("default");
    expect(stdout).toBe((await run("-f", values, "--log", await log(...USUAL))).stdout);
  });

  test("are found among the pods of the namespace, also those that logged nothing", async () => {
    const items = ["db-0", "backup-28391234-x7k2p", "web-7d9f8c6b54-x7k2p"].map((name) => ({
      metadata: { name, labels: {} },
      spec: { serviceAccountName: name.startsWith("web") ? "web" : "db", containers: [{ name: "istio-proxy" }] },
    }));
    kubectl.answer([
      { when: "get pods", stdout: JSON.stringify({ items }) },
      { when: "logs", stdout: USUAL.join("\n") },
    ]);
    const { stderr, stdout } = await run("-f", values, "--namespace", "shop");
    expect(stderr).toContain("Calls from and to the ServiceAccount db of the namespace shop were left out: backup, db");
    expect(stdout).not.toContain("service: website");
  });

  test("versions and pods of one workload are no others", async () => {
    const pods = ["reviews-v1-7d9f8c6b54-x7k2p", "reviews-v2-6c9d8f7b5-bcdfg", "reviews-canary-7d9f8c6b54-zzzzz"];
    const lines = pods.map((pod) => ofPod(pod, { from: "web", to: "reviews", port: 80, method: "GET" }));
    const { stderr, status } = await run("--log", await log(...lines));
    expect({ stderr, status }).toEqual({ stderr: "1 edge in shop.\n", status: 0 });
  });
});

test("calls along every edge give the graph back, alone and laid over its values", async () => {
  const { stdout, stderr, status } = await run("-f", values, "--log", await log(...USUAL));
  expect({ status, stderr }).toEqual({
    status: 0,
    stderr: "3 edges in store; none denied by the current graph.\n",
  });
  const learned = await file("learned.yaml", stdout);
  expect(await graphOf(values, learned)).toEqual(await graphOf(values));
  const { applications: _, ...mesh } = VALUES.mesh;
  const alone = await file("alone.yaml", JSON.stringify({ ...VALUES, mesh }));
  expect(await graphOf(alone, learned)).toEqual(await graphOf(values));
});

test("a call that the graph denies is marked, and what nobody used is gone and named", async () => {
  const lines = [USUAL[0] ?? "", logLine({ from: "other/job", to: "db", port: 3306, denied: "dryRun" })];
  const { stdout, stderr } = await run("-f", values, "--log", await log(...lines));
  expect(stdout).toContain(
    "- {principal: a.example/ns/other/sa/job} # denied by the current graph; a dry run would deny it\n",
  );
  expect(stderr).toBe(
    "1 edge in store; 1 denied by the current graph.\nIn the current graph and not seen: store/website → store/database 3306, anyone → store/website 80, gateway public → store/website 80.\n",
  );
  const { edges } = await graphOf(values, await file("learned.yaml", stdout));
  expect(edges.map(({ from }) => from.label)).toEqual(["a.example/ns/other/sa/job"]);
});

test("what a policy denied is left out and named, unless it is asked for", async () => {
  const path = await log(...USUAL, logLine({ from: "other/job", to: "db", port: 3306, denied: "enforced" }));
  const without = await run("-f", values, "--log", path);
  expect(without.stdout).not.toContain("job");
  expect(without.stderr).toContain(
    "Left out, since policies denied it (--include-denied prints it): a.example/ns/other/sa/job → shop/db.\n",
  );
  const included = await run("-f", values, "--log", path, "--include-denied");
  expect(included.stdout).toContain(
    "- {principal: a.example/ns/other/sa/job} # denied by the current graph; was denied\n",
  );
});

test("calls from before a change of the trust domain are left out and named; values of another mesh are refused", async () => {
  const foreign = (USUAL[1] ?? "").replaceAll("a.example", "cluster.local");
  const mixed = await run("-f", values, "--log", await log(...USUAL, foreign));
  expect(mixed.stdout).toBe((await run("-f", values, "--log", await log(...USUAL))).stdout);
  expect(mixed.stderr).toContain("Calls to workloads of another trust domain were left out: cluster.local.\n");
  expect(await run("-f", values, "--log", await log(foreign))).toEqual({
    status: 1,
    stdout: "",
    stderr:
      "learn: The called workloads are of the trust domain cluster.local, and global.teleport.clusterName is a.example: give the values of the mesh that was observed.\n",
  });
});

test("Sock Shop's graph comes back from calls along its edges", async () => {
  const sockShop = repositoryPath("chart/ci/sock-shop-values.yaml");
  const graph = await graphOf(sockShop);
  const lines = graph.edges.flatMap(({ from, ports }, index) =>
    ports.map(({ targetPort, protocol }) => {
      const { namespace, serviceAccount } = graph.edges[index]?.to ?? { namespace: "", serviceAccount: "" };
      const line = logLine({
        to: `${namespace}/${serviceAccount}`,
        ...(from.kind === "service" && { from: `${from.service.namespace}/${from.service.serviceAccount}` }),
        port: targetPort,
        ...(protocol !== "TCP" && { method: "GET" }),
      });
      return line.replaceAll("a.example", graph.clusterName);
    }),
  );
  const { stdout, stderr } = await run("-f", sockShop, "--log", await log(...lines));
  expect(stderr).toBe(`${graph.edges.length} edges in sock-shop; none denied by the current graph.\n`);
  expect(stdout).toContain("The chart has this graph already (sockShop.enabled)");
  const learned = await graphOf(values, await file("learned.yaml", stdout.replaceAll("sock-shop:", "copy:")));
  const edges = ({ edges: all }: MeshGraph) =>
    all
      .filter(({ to }) => to.namespace === "sock-shop")
      .map(({ from, to, ports }) => [from.kind === "service" ? from.service.name : from.label, to.name, ports]);
  expect(edges(learned)).toEqual(edges(graph));
});

test("paths: identifiers become wildcards on request, and the values say what they need", async () => {
  const calls = ["/items/1", "/items/2"].map((path) =>
    logLine({ from: "ingress/gw", to: "web", port: 8079, method: "GET", path }),
  );
  const args = ["-f", values, "--log", await log(...calls), "--with-methods", "--with-paths"];
  const exact = await run(...args);
  expect(exact.stdout).toContain("- {gateway: public, methods: [GET], paths: [/items/1, /items/2]}\n");
  expect(exact.stdout).toContain("# Rules with paths need an istio.pathNormalization other than NONE.");
  const general = await run(...args, "--generalize", "--set", "istio.pathNormalization=BASE");
  expect(general.stdout).toContain('- {gateway: public, methods: [GET], paths: ["/items/{*}"]}\n');
  expect(general.stdout).not.toContain("other than NONE");
});

test("calls to namespaces that are no application's are left out and said", async () => {
  const namespaces = ["teleport-system", "istio-system", "test-app", "ingress"];
  const lines = namespaces.map((name) => logLine({ from: "web", to: `${name}/x`, port: 20001, method: "GET" }));
  const args = ["-f", values, "--set", "testApp.enabled=true", "--log", await log(...USUAL, ...lines)];
  const { stdout, stderr } = await run(...args);
  expect(stdout).not.toContain("20001");
  for (const name of namespaces) {
    expect(stderr).toContain(`Calls to the namespace ${name} were left out: it can be no application's.\n`);
  }
});

test("metrics: the graph's ports and narrowing stand where an edge is known", async () => {
  const fixture = (name: string) => repositoryPath(`tests/unit/graph/learn/fixtures/prometheus-${name}.json`);
  const sockShop = repositoryPath("chart/ci/sock-shop-values.yaml");
  const { stdout, stderr } = await run(
    ...["-f", sockShop, "--prometheus-file", fixture("requests"), "--prometheus-file", fixture("tcp")],
  );
  expect(stdout.match(/- \{(service|anyone).*/g)).toEqual([
    "- {service: front-end}",
    "- {service: catalogue}",
    "- {anyone: true}",
    "- {service: orders}",
    "- {service: payment} # denied by the current graph",
  ]);
  expect(stderr).toContain("5 edges in sock-shop; 1 denied by the current graph.");
  expect(stderr).toContain("sa/payment → sock-shop/user");
});

test("metrics without a graph: the ports are left to the reader, and Helm refuses the values until they are there", async () => {
  const { stdout } = await run(
    "--prometheus-file",
    repositoryPath("tests/unit/graph/learn/fixtures/prometheus-tcp.json"),
  );
  expect(stdout).toContain("ports: [] # not in Istio's metrics: list the ports");
  const learned = await file("learned.yaml", stdout);
  await expect(graphOf(values, learned)).rejects.toThrow("but the service has no ports: list in");
});

describe("from pods", () => {
  const pod = (name: string, account: string, labels: Record<string, string>, container = "istio-proxy") => ({
    metadata: { name, labels },
    spec: { serviceAccountName: account, containers: [{ name: "app" }], initContainers: [{ name: container }] },
  });
  const PODS = JSON.stringify({
    items: [
      pod("web-1", "web", { app: "shop", tier: "web", "pod-template-hash": "1" }),
      pod("web-2", "web", { app: "shop", tier: "web", "pod-template-hash": "2" }),
      pod("db-0", "db", { "app.kubernetes.io/name": "db", app: "shop", "statefulset.kubernetes.io/pod-name": "db-0" }),
      pod("job-1", "job", {}, "other"),
    ],
  });

  test("every meshed pod's proxy is read, and labels are the pods' own", async () => {
    kubectl.answer([
      { when: "get pods", stdout: PODS },
      { when: "logs --namespace shop db-0", stdout: USUAL[1] ?? "" },
      { when: "logs --namespace shop web-1", stdout: `${USUAL[2]}\n${USUAL[3]}\n` },
      { when: "logs --namespace shop web-2", stderr: "Error from server (NotFound): pods web-2 not found", code: 1 },
    ]);
    const { stdout, stderr, status } = await run(
      ...["--namespace", "shop", "--context", "prod", "--since", "24h", "--kubeconfig", "/tmp/config"],
    );
    expect(status).toBe(0);
    expect(stdout).toContain("labels: {app.kubernetes.io/name: db}\n");
    expect(stdout).toContain("labels: {app: shop, tier: web}\n");
    expect(stdout).toContain("- {principal: a.example/ns/ingress/sa/gw}\n");
    expect(stderr).toMatch(
      /^Could not read the access log of the pod shop\/web-2: .* pods web-2 not found"; .+\.\n3 edges/,
    );
    const calls = kubectl.calls;
    expect(calls.every((call) => call.startsWith("--kubeconfig=/tmp/config --context=prod "))).toBe(true);
    expect(calls.filter((call) => call.includes(" logs "))).toHaveLength(3);
    expect(calls.at(-1)).toContain("--container istio-proxy --since=24h");
  });

  test("no log at all: the first reason, and nothing on stdout", async () => {
    kubectl.answer([
      { when: "get pods", stdout: PODS },
      { when: "logs", stderr: "Error from server (Forbidden): pods/log is forbidden", code: 1 },
    ]);
    expect(await run("--namespace", "shop")).toEqual({
      status: 2,
      stdout: "",
      stderr: expect.stringMatching(/^learn: Could not read the access log of the pod shop\/.*forbids it \(403\)/),
    });
  });

  test("a namespace without a meshed pod", async () => {
    kubectl.answer([{ when: "get pods", stdout: '{"items":[]}' }]);
    expect(await run("--namespace", "shop")).toMatchObject({
      status: 1,
      stdout: "",
      stderr: expect.stringContaining("No pod of the namespace shop has a container istio-proxy: name a meshed"),
    });
  });
});

test.each([
  [[], "There is nothing to learn from: give --namespace, --log, --prometheus or --prometheus-file."],
  [["--namespace", ""], '--namespace is "", which names no namespace: give its name.'],
  [["--log", "a", "--prometheus", "http://x"], "learn from one of them at a time."],
  [["--log", "-", "-f", "-"], "Two flags name -, but stdin can be read only once"],
  [["--log", "a", "--context", "x"], "--context needs --namespace: add it, or leave --context out."],
  [["--log", "a", "--since", "1h"], "--since needs --namespace or --prometheus"],
  [["--log", "a", "--generalize"], "--generalize needs --with-paths"],
  [["--prometheus", "http://x", "--with-paths"], "--with-paths needs an access log, since metrics have no paths"],
  [["--prometheus-file", "a", "--prometheus-header", "A: b"], "--prometheus-header needs --prometheus:"],
  [["--prometheus", "x:9090"], '--prometheus is "x:9090": give a URL such as http://localhost:9090.'],
  [["--prometheus", "http://u:p@x"], "--prometheus has credentials or a query in its URL"],
  [["--namespace", "a", "--since", "yesterday"], '--since is "yesterday", which is neither a duration nor a time'],
  [["--namespace", "a", "--since", "2999-01-01T00:00:00Z"], "nor a time that has passed"],
  [["--log", MISSING], `The access log ${MISSING} does not exist: name an existing file with --log`],
  [["--log", "/"], "The access log / is a directory"],
  [["--prometheus-file", MISSING], `The file ${MISSING} cannot be read (ENOENT)`],
])("%j is refused", async (args, sentence) => {
  const { status, stdout, stderr } = await run(...args);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(sentence);
  expect(stderr.split("\n")).toHaveLength(2);
});

test("a log of another form: what to set", async () => {
  const path = await log('[2026-11-24T16:14:11.233Z] "GET / HTTP/1.1" 200', '{"method":"GET"}');
  expect(await run("--log", path)).toEqual({
    status: 1,
    stdout: "",
    stderr: `learn: The access log ${path} has no line of the form that istio.accessLog switches on (lines read: 2, 1 of them JSON of another form): set istio.accessLog to true, give istiod the values of \`render istio\` again, and read what is logged from then on.\n`,
  });
});

test("the last line counts without a line break, too", async () => {
  const { stdout } = await run("-f", values, "--log", await file("cut.log", USUAL[1] ?? ""));
  expect(stdout).toContain("- {service: website}\n");
});

test("a log with denied calls only says so", async () => {
  const path = await log(logLine({ from: "web", to: "db", port: 3306, denied: "enforced" }));
  expect(await run("--log", path)).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringContaining("holds no call to print: read it after calls were made. Left out, since policies"),
  });
});

test("the output does not depend on the order of the log", async () => {
  const forward = await run("-f", values, "--log", await log(...USUAL));
  const backward = await run("-f", values, "--log", await log(...USUAL.toReversed()));
  expect(backward).toEqual(forward);
  expect(await readFile(values, "utf8")).toBe(JSON.stringify(VALUES));
});
