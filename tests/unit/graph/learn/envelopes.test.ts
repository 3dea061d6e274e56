import { expect, test } from "vitest";
import { readAccessLog } from "../../../../tools/graph/learn/access-log.ts";
import type { Call } from "../../../../tools/graph/learn/calls.ts";
import { workloadOfPod } from "../../../../tools/graph/learn/shared-accounts.ts";
import { logLine } from "../../support/access-log-lines.ts";

const LINE = logLine({ from: "web", to: "api", port: 8080, method: "GET", path: "/a" });
const OTHER = logLine({ from: "web", to: "db", port: 3306 });

async function read(...lines: string[]) {
  const calls: Call[] = [];
  const count = await readAccessLog(lines, (call) => calls.push(call));
  return { called: calls.map(({ to }) => to.serviceAccount), count };
}

/** Each collector's envelope around a line, as its documentation shows it; `container` is whose output it was. */
const ENVELOPES: Record<string, (line: string, container: string) => unknown> = {
  "docker's json-file": (line) => ({ log: `${line}\n`, stream: "stdout", time: "2026-11-24T16:14:11Z" }),
  "fluent-bit": (line, container_name) => ({
    date: 1,
    log: `${line}\n`,
    kubernetes: { pod_name: "api-1", container_name },
  }),
  "fluent-bit with CRI's prefix": (line) => ({ log: `2026-11-24T16:14:11Z stdout F ${line}` }),
  "fluent-bit's merged log": (line, container_name) => ({
    log: "as text",
    log_processed: JSON.parse(line),
    kubernetes: { container_name },
  }),
  stern: (message, containerName) => ({ message, nodeName: "n", namespace: "shop", podName: "api-1", containerName }),
  Vector: (message, container_name) => ({ message, kubernetes: { container_name }, source_type: "kubernetes_logs" }),
  Elasticsearch: (message, name) => ({ _index: "i", _source: { message, kubernetes: { container: { name } } } }),
  "Elasticsearch's search": (message) => ({ hits: { total: 1, hits: [{ _source: { message } }] } }),
  logcli: (line, container) => ({ labels: { container }, line, timestamp: "2026-11-24T16:14:11Z" }),
  "Loki's API": (line, container) => ({
    status: "success",
    data: { resultType: "streams", result: [{ stream: { container }, values: [["1732464851000000000", line]] }] },
  }),
  "Grafana's download": (line, container) => [{ line, timestamp: "1", labels: { container } }],
  "CloudWatch's filter-log-events": (message) => ({ events: [{ logStreamName: "s", timestamp: 1, message }] }),
  "CloudWatch with Container Insights": (log, container_name) => ({
    message: JSON.stringify({ stream: "stdout", _p: "F", log, kubernetes: { container_name } }),
  }),
  "Google Cloud, read as JSON": (line, container_name) => ({
    jsonPayload: JSON.parse(line),
    resource: { type: "k8s_container", labels: { container_name } },
  }),
  "Google Cloud, as text": (textPayload, container_name) => ({ textPayload, resource: { labels: { container_name } } }),
  OpenTelemetry: (body, container) => ({
    body,
    severityText: "INFO",
    resource: { attributes: { "k8s.container.name": container } },
  }),
  "Loki's API, fed by OpenTelemetry": (line, k8s_container_name) => ({
    data: { result: [{ stream: { k8s_container_name }, values: [["1732464851000000000", line]] }] },
  }),
  "the Elastic agent with flat fields": (message, container) => ({ message, "kubernetes.container.name": container }),
  "a list": (line) => [JSON.parse(line)],
};

test.each(Object.entries(ENVELOPES))("%s is unwrapped", async (_, envelope) => {
  const { called, count } = await read(...[LINE, OTHER].map((line) => JSON.stringify(envelope(line, "istio-proxy"))));
  expect(called).toEqual(["api", "db"]);
  expect(count).toEqual({ read: 2, otherJson: 0, known: 2, calls: 2, unidentified: 0, cut: 0, quoted: 0 });
});

test.each(Object.entries(ENVELOPES).filter(([, envelope]) => JSON.stringify(envelope(LINE, "MARK")).includes("MARK")))(
  "%s of an application is not opened: it may repeat what a stranger sent",
  async (_, envelope) => {
    const { called, count } = await read(JSON.stringify(envelope(LINE, "app")));
    expect(called).toEqual([]);
    expect(count).toMatchObject({ known: 0, otherJson: 1 });
  },
);

test.each([
  ["kubectl logs --prefix", (container: string) => `[pod/api-1/${container}] `],
  ["kubectl logs --prefix --timestamps", (container: string) => `[pod/api-1/${container}] 2026-11-24T16:14:11.1Z `],
  ["stern", (container: string) => `api-7d9f8c6b54-x7k2p ${container} `],
  ["stern --all-namespaces", (container: string) => `shop api-7d9f8c6b54-x7k2p ${container} `],
  ["fluentd", (container: string) => `2026-11-24T16:14:11+00:00\tkube.log.api-1_shop_${container}-0a1b.log\t`],
])("the prefix of %s is passed over for Istio's proxy only", async (_, prefix) => {
  expect((await read(`${prefix("istio-proxy")}${LINE}`)).called).toEqual(["api"]);
  expect((await read(`${prefix("app")}${LINE}`)).called).toEqual([]);
});

test.each([
  ["a line", (text: string) => text],
  ["an envelope that names no container", (log: string) => JSON.stringify({ log })],
])("what an application quotes in %s is not read, and counted", async (_, wrap) => {
  const { called, count } = await read(wrap(`INFO user agent: ${LINE}`));
  expect(called).toEqual([]);
  expect(count).toMatchObject({ known: 0, cut: 0, quoted: 1 });
});

test("several lines in one envelope are several calls", async () => {
  const { called } = await read(JSON.stringify({ events: [LINE, OTHER].map((message) => ({ message })) }));
  expect(called).toEqual(["api", "db"]);
});

test("a line is no envelope: what a caller wrote into it is not read", async () => {
  const forged = { ...JSON.parse(LINE), path: OTHER, authority: JSON.stringify({ log: OTHER }) };
  expect((await read(JSON.stringify(forged))).called).toEqual(["api"]);
  // fluent-bit with Merge_Log and Keep_Log: the same line twice is one call.
  expect((await read(JSON.stringify({ ...JSON.parse(LINE), log: OTHER }))).called).toEqual(["api"]);
});

test("fields of other logs are not opened, and the first that holds a line is named", async () => {
  const { called, count } = await read(JSON.stringify({ level: "info", request: { userAgent: LINE } }));
  expect(called).toEqual([]);
  expect(count).toMatchObject({ known: 0, otherJson: 1, hiddenIn: "request.userAgent" });
});

test.each([
  ["at its end", LINE.slice(0, 400)],
  ["at its beginning", LINE.slice(20)],
  ["in an envelope", JSON.stringify({ log: LINE.slice(0, 400), stream: "stdout" })],
])("a line that is cut %s is counted", async (_, line) => {
  const { called, count } = await read(line, OTHER);
  expect(called).toEqual(["db"]);
  expect(count).toMatchObject({ cut: 1, known: 1 });
});

test("envelopes without end are not followed", async () => {
  let value: unknown = JSON.parse(LINE);
  for (let depth = 0; depth < 2000; depth++) value = { log: value };
  expect((await read(JSON.stringify(value))).called).toEqual([]);
});

test.each([
  ["orders-7d9f8c6b54-x7k2p", "orders"],
  ["orders-db-0", "orders-db"],
  ["node-agent-x7k2p", "node-agent"],
  ["report-28391234-x7k2p", "report"],
  ["reviews-v2-7d9f8c6b54-x7k2p", "reviews"],
  ["front-end", undefined],
])("the pod %s is of the workload %s", (pod, workload) => {
  expect(workloadOfPod(pod)).toBe(workload);
});
