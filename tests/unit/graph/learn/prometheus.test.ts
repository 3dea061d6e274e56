import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { EXIT } from "../../../../tools/base/exit-error.ts";
import type { Call } from "../../../../tools/graph/learn/calls.ts";
import {
  callsOfSeries,
  queryPrometheus,
  readPrometheusFile,
  type Series,
} from "../../../../tools/graph/learn/prometheus.ts";
import { readHeaders } from "../../../../tools/graph/learn/request-headers.ts";
import { repositoryPath } from "../../../support/run-helm.ts";
import { MISSING } from "../../support/missing-path.ts";
import { refusal } from "../../support/refusal.ts";

/** The metrics as Istio documents them; the lab's Envoy has no filter that makes them. */
const SAVED = repositoryPath("tests/unit/graph/learn/fixtures/prometheus-requests.json");

function callsOf(...series: Series[]) {
  const calls: Call[] = [];
  const services = [{ namespace: "shop", name: "website", serviceAccount: "web" }];
  const count = callsOfSeries(
    series,
    (namespace, name) => services.find((service) => service.namespace === namespace && service.name === name),
    (call) => calls.push(call),
  );
  return { calls, count };
}

const REQUEST: Series = {
  __name__: "istio_requests_total",
  reporter: "destination",
  source_principal: "spiffe://a.example/ns/shop/sa/web",
  destination_principal: "spiffe://a.example/ns/shop/sa/api",
  destination_workload_namespace: "shop",
  destination_service_name: "api",
  request_protocol: "http",
  response_code: "200",
  connection_security_policy: "mutual_tls",
};

test("a request: both ends, but no port, method or path", () => {
  expect(callsOf(REQUEST)).toEqual({
    calls: [
      {
        to: { trustDomain: "a.example", namespace: "shop", serviceAccount: "api" },
        from: "a.example/ns/shop/sa/web",
        protocol: "HTTP",
        outcome: "passed",
      },
    ],
    count: { known: 1, unidentified: 0 },
  });
});

test("a TCP connection, with and without the metric's name", () => {
  const tcp = { ...REQUEST, __name__: "istio_tcp_connections_opened_total", request_protocol: "tcp" };
  const { __name__: _, ...nameless } = tcp;
  expect(callsOf(tcp, nameless).calls).toMatchObject([{ protocol: "TCP" }, { protocol: "TCP" }]);
});

test("a 403 counts as denied", () => {
  expect(callsOf({ ...REQUEST, response_code: "403" }).calls).toMatchObject([{ outcome: "denied" }]);
});

test("plaintext: the Service's name says who was called", () => {
  const plaintext = {
    ...REQUEST,
    source_principal: "unknown",
    destination_principal: "unknown",
    connection_security_policy: "none",
  };
  const { calls, count } = callsOf({ ...plaintext, destination_service_name: "website" }, plaintext);
  expect(calls).toEqual([
    { to: expect.objectContaining({ serviceAccount: "web" }), protocol: "HTTP", outcome: "passed" },
  ]);
  expect(count).toEqual({ known: 2, unidentified: 1 });
});

test("a caller that is unknown but not in plaintext is nobody's edge", () => {
  expect(callsOf({ ...REQUEST, source_principal: "unknown" })).toEqual({
    calls: [],
    count: { known: 1, unidentified: 1 },
  });
});

test("the caller's own report and other metrics are passed over", () => {
  const { count } = callsOf({ ...REQUEST, reporter: "source" }, { ...REQUEST, __name__: "up" }, { job: "istio" });
  expect(count).toEqual({ known: 0, unidentified: 0 });
});

test("a saved answer is read, without series that are zero", async () => {
  const series = await readPrometheusFile(SAVED, () => {});
  expect(series.map((labels) => labels.response_code)).toEqual(["200", "200", "403", "200"]);
});

let server: Server | undefined;
afterEach(() => server?.close());

/** A Prometheus that answers each request as told. */
async function prometheus(
  answer: { status?: number; body?: string; headers?: Record<string, string> },
  prefix = "/prefix/",
) {
  const requests: { url: string; authorization: string | undefined }[] = [];
  const started = createServer((request, response) => {
    requests.push({ url: request.url ?? "", authorization: request.headers.authorization });
    response.writeHead(answer.status ?? 200, answer.headers).end(answer.body ?? "");
  });
  server = started;
  await new Promise<void>((resolve) => started.listen(0, "127.0.0.1", resolve));
  const { port } = started.address() as AddressInfo;
  const warnings: string[] = [];
  const headers = new Headers({ Authorization: "Bearer secret" });
  const url = new URL(`http://127.0.0.1:${port}${prefix}`);
  const query = () => queryPrometheus(url, headers, 3600, (warning) => warnings.push(warning));
  const sentence = async (code?: number) =>
    (await refusal(query, code ?? EXIT.unavailable)).replace(String(port), "PORT");
  return { requests, warnings, query, sentence };
}

const vector = (result: unknown[], more = {}) =>
  JSON.stringify({ status: "success", data: { resultType: "vector", result }, ...more });

test("each metric is asked for once, below the URL's path, with the headers", async () => {
  const { query, requests, warnings } = await prometheus({
    body: vector([{ metric: REQUEST, value: [1, "2"] }], { warnings: ["partial answer"] }),
  });
  expect(await query()).toEqual([REQUEST, REQUEST]);
  const queries = requests.map(({ url }) => new URL(url, "http://x").searchParams.get("query") ?? "");
  expect(requests.every(({ url }) => url.startsWith("/prefix/api/v1/query?"))).toBe(true);
  expect(requests.every(({ authorization }) => authorization === "Bearer secret")).toBe(true);
  expect(queries.map((text) => /last_over_time\(([^)]*)\)/.exec(text)?.[1])).toEqual([
    'istio_requests_total{reporter="destination"}[3600s]',
    'istio_tcp_connections_opened_total{reporter="destination"}[3600s]',
  ]);
  expect(warnings[0]).toContain("warns: partial answer");
});

test("a doubled slash sends the credentials to no other host", async () => {
  const { query, requests } = await prometheus({ body: vector([]) }, "//other.invalid/");
  expect(await query()).toEqual([]);
  expect(requests[0]?.url).toMatch(/^\/\/other\.invalid\/api\/v1\/query\?/);
});

test.each([
  [{ status: 401 }, "it does not let you in (401); give its credentials with --prometheus-header"],
  [{ status: 302, headers: { location: "https://login.example" } }, "it answers with a redirect (302)"],
  [{ status: 404, body: "<html>" }, "it answers with status 404; check the path of --prometheus"],
  [
    { status: 422, body: '{"status":"error","errorType":"execution","error":"query timed out"}' },
    "could not answer: query timed out.",
  ],
])("%j: one sentence, one request", async (answer, meaning) => {
  const { sentence, requests } = await prometheus(answer);
  expect(await sentence()).toContain(meaning);
  expect(requests).toHaveLength(1);
});

test.each([
  ["<html>", "gives no JSON: it must be an answer of Prometheus' /api/v1/query."],
  ['{"status":"success","data":{"resultType":"matrix","result":[]}}', 'data.resultType is "matrix"'],
  ['{"a":1}', "status is missing; set it."],
])("an answer that is none, %s", async (body, meaning) => {
  const { sentence } = await prometheus({ body });
  expect(await sentence(EXIT.refused)).toContain(meaning);
});

test("nobody there", async () => {
  const { sentence } = await prometheus({});
  await new Promise((resolve) => server?.close(resolve));
  expect(await sentence()).toBe(
    "Could not ask Prometheus at 127.0.0.1:PORT: it does not answer (ECONNREFUSED); check --prometheus, or give a saved answer with --prometheus-file.",
  );
});

test("a header that is none is refused without its text, which may be a secret", async () => {
  expect((await readHeaders(["Authorization: Bearer x"])).get("authorization")).toBe("Bearer x");
  for (const wrong of ["secret", "Authorization:", "a b: c", "X: \u0001"]) {
    expect(await refusal(() => readHeaders([wrong]))).toBe(
      'A line of --prometheus-header is no header: give it as "Name: value".',
    );
  }
  expect(await refusal(() => readHeaders([`@${MISSING}`]))).toContain("cannot be read (ENOENT)");
});
