import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { readAccessLog } from "../../../../tools/graph/learn/access-log.ts";
import type { Call } from "../../../../tools/graph/learn/calls.ts";
import { repositoryPath } from "../../../support/run-helm.ts";
import { lineOf, logLine } from "../../support/access-log-lines.ts";

async function read(...lines: string[]) {
  const calls: Call[] = [];
  const count = await readAccessLog(lines, (call) => calls.push(call));
  return { calls, count };
}

test("what sidecars of the lab logged, with Envoy 1.40 and Istio 1.31", async () => {
  const file = repositoryPath("tests/unit/graph/learn/fixtures/access-log.jsonl");
  const lines = (await readFile(file, "utf8")).trimEnd().split("\n");
  const { calls, count } = await read(...lines);
  const short = calls.map(({ from = "anyone", to, port, protocol, outcome }) =>
    [from.replace(/.*\//, ""), ">", `${to.serviceAccount}:${port}`, protocol, outcome].join(" "),
  );
  expect(short).toEqual([
    "front-end > catalogue:80 HTTP passed",
    "payment > user:80 HTTP denied",
    "catalogue > catalogue-db:3306 TCP passed",
    "payment > rabbitmq:5672 TCP denied",
    "anyone > front-end:8079 HTTP passed",
    "istio-ingress > front-end:8079 HTTP passed",
    "front-end > catalogue:80 HTTP passed",
    "payment > user:80 HTTP wouldBeDenied",
    "catalogue > catalogue-db:3306 TCP passed",
    "payment > rabbitmq:5672 TCP wouldBeDenied",
  ]);
  // Beside these a line of the agent, a plaintext connection that mutual TLS refused, and two calls that went out.
  expect(count).toEqual({ read: 14, otherJson: 0, known: 13, calls: 10, unidentified: 0, cut: 0, quoted: 0 });
  const fields = Object.keys(JSON.parse(await readFile(repositoryPath("chart/files/access-log-format.json"), "utf8")));
  expect(Object.keys(JSON.parse(lines.at(-1) ?? "")).toSorted()).toEqual(fields.toSorted());
});

test("an HTTP request: both ends by their certificates, the container's port, method and path", async () => {
  const { calls } = await read(logLine({ from: "web", to: "back/api", port: 8080, method: "GET", path: "/a" }));
  expect(calls).toEqual([
    {
      to: { trustDomain: "a.example", namespace: "back", serviceAccount: "api" },
      from: "a.example/ns/shop/sa/web",
      port: 8080,
      protocol: "HTTP",
      method: "GET",
      path: "/a",
      outcome: "passed",
    },
  ]);
});

test("a TCP connection has neither method nor path", async () => {
  const { calls } = await read(logLine({ from: "web", to: "db", port: 3306 }));
  expect(calls).toMatchObject([{ protocol: "TCP", port: 3306, outcome: "passed" }]);
  expect(calls[0]).not.toHaveProperty("method");
});

test("plaintext: nobody known calls, and the sidecar's environment says whom", async () => {
  const { calls } = await read(logLine({ to: "web", port: 8079, method: "GET" }));
  expect(calls).toMatchObject([{ to: { namespace: "shop", serviceAccount: "web" }, port: 8079 }]);
  expect(calls[0]).not.toHaveProperty("from");
});

test("the certificate that was shown counts more than the environment", async () => {
  const line = { ...JSON.parse(logLine({ from: "web", to: "db", port: 1 })), namespace: "x", service_account: "y" };
  expect((await read(lineOf(line))).calls).toMatchObject([{ to: { namespace: "shop", serviceAccount: "db" } }]);
});

test.each([
  ["HTTP", "enforced", "denied"],
  ["HTTP", "dryRun", "wouldBeDenied"],
  ["TCP", "enforced", "denied"],
  ["TCP", "dryRun", "wouldBeDenied"],
] as const)("%s, %s: %s", async (protocol, denied, outcome) => {
  const method = protocol === "HTTP" ? { method: "GET" } : {};
  const { calls } = await read(logLine({ from: "web", to: "db", port: 1, ...method, denied }));
  expect(calls).toMatchObject([{ protocol, outcome }]);
});

test("a 403 of the application is no denial of a policy", async () => {
  const line = JSON.parse(logLine({ from: "web", to: "api", port: 80, method: "GET" }));
  expect((await read(lineOf({ ...line, response_code: 403 }))).calls).toMatchObject([{ outcome: "passed" }]);
});

test("what goes out is not read: the called side logs it, with the caller's certificate", async () => {
  const out = { ...JSON.parse(logLine({ from: "web", to: "api", port: 80 })), peer_uri_san: null };
  const { calls, count } = await read(
    ...["outbound|80||api.shop.svc.cluster.local", "PassthroughCluster", "BlackHoleCluster", null].map((cluster) =>
      lineOf({ ...out, upstream_cluster: cluster }),
    ),
  );
  expect(calls).toEqual([]);
  expect(count).toEqual({ read: 4, otherJson: 0, known: 4, calls: 0, unidentified: 0, cut: 0, quoted: 0 });
});

test("a port that no Service names counts as well", async () => {
  const line = {
    ...JSON.parse(logLine({ from: "web", to: "api", port: 9999 })),
    upstream_cluster: "InboundPassthroughCluster",
  };
  expect((await read(lineOf(line))).calls).toMatchObject([{ port: 9999 }]);
});

test("other lines are passed over and counted", async () => {
  const { calls, count } = await read(
    "2026-11-24T16:14:11.233Z\tinfo\tcache\tgenerated new workload certificate",
    '{"level":"info","msg":"another format"}',
    "{ no JSON",
    "[1]",
    "",
  );
  expect(calls).toEqual([]);
  expect(count).toEqual({ read: 5, otherJson: 1, known: 0, calls: 0, unidentified: 0, cut: 0, quoted: 0 });
});

test("what a collector puts before a line is passed over", async () => {
  const line = logLine({ from: "web", to: "db", port: 1 });
  const { calls } = await read(`[pod/db-1/istio-proxy] ${line}`, `2026-11-24T16:14:11Z stdout F ${line}\r`);
  expect(calls).toHaveLength(2);
});

test("a dash stands for null, as in older versions of Envoy", async () => {
  const fields = Object.entries(JSON.parse(logLine({ to: "web", port: 80, method: "GET" })));
  const line = lineOf(Object.fromEntries(fields.map(([field, value]) => [field, value ?? "-"])));
  const { calls } = await read(line);
  expect(calls).toMatchObject([{ method: "GET", outcome: "passed" }]);
  expect(calls[0]).not.toHaveProperty("from");
});

test("a query is never kept", async () => {
  const { calls } = await read(logLine({ from: "web", to: "api", port: 80, method: "GET", path: "/a?token=s#x" }));
  expect(calls).toMatchObject([{ path: "/a" }]);
});

test("a TLS handshake without the peer's certificate is no call: in a real log it has no peer, and no byte came", async () => {
  const line = { ...JSON.parse(logLine({ from: "web", to: "db", port: 3306 })), peer_uri_san: null, bytes_received: 0 };
  const { calls, count } = await read(lineOf(line));
  expect(calls).toEqual([]);
  expect(count).toMatchObject({ known: 1, calls: 0, unidentified: 0 });
});

test.each([
  ["a peer with two SPIFFE IDs", { peer_uri_san: "spiffe://a/ns/b/sa/c,spiffe://a/ns/b/sa/d" }],
  ["a peer without a SPIFFE ID", { peer_uri_san: "https://example.com" }],
  ["a SPIFFE ID without a path", { peer_uri_san: "spiffe://a.example" }],
  ["a wildcard in a SPIFFE ID", { peer_uri_san: "spiffe://a.example/ns/*/sa/*" }],
  ["a called workload of another form", { local_uri_san: "spiffe://a.example/workload" }],
  ["no port", { local_port: null }],
  ["a port that no container has", { local_port: 99_999 }],
  ["a called workload that Kubernetes cannot name", { local_uri_san: "spiffe://a.example/ns/Shop/sa/api" }],
  ["a forged namespace", { local_uri_san: null, peer_uri_san: null, namespace: "shop\nevil: 1" }],
  ["a forged service account", { local_uri_san: null, peer_uri_san: null, service_account: "api\u001b[31m" }],
])("%s: not identified", async (_, change) => {
  const line = lineOf({ ...JSON.parse(logLine({ from: "web", to: "api", port: 80, method: "GET" })), ...change });
  const { calls, count } = await read(line);
  expect(calls).toEqual([]);
  expect(count).toMatchObject({ known: 1, unidentified: 1 });
});
