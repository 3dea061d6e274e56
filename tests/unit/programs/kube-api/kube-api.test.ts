import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { KubeApi } from "../../../../tools/programs/kube-api/kube-api.ts";
import { type ApiAnswer, type FakeApiServer, fakeApiServer, statusObject } from "../../support/fake-api-server.ts";

let directory: string;
let server: FakeApiServer;
let api: KubeApi;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "kube-api-test-"));
});
afterEach(async () => {
  api.close();
  await server.close();
  await rm(directory, { recursive: true });
});

async function serve(...args: Parameters<typeof fakeApiServer> extends [string, ...infer Rest] ? Rest : never) {
  const socketPath = join(directory, "api");
  server = await fakeApiServer(socketPath, ...args);
  api = new KubeApi(socketPath);
}

const pod = (n: number) => ({ metadata: { name: `${n}` } });

it("reads a list page by page", async () => {
  await serve((url) => {
    const next = Number(url.searchParams.get("continue") ?? 0);
    expect(url.searchParams.get("limit")).toBe("500");
    return { body: { items: [pod(next)], metadata: next < 2 ? { continue: String(next + 1) } : {} } };
  });
  expect(await api.list("/api/v1/pods?labelSelector=a=b")).toEqual({ ok: true, value: [pod(0), pod(1), pod(2)] });
  expect(server.requests[1]).toBe("GET /api/v1/pods?labelSelector=a=b&limit=500&continue=1");
});

it.each([["one"], ["one", "two", "three"]])("ends a list whose pages are %j again and again", async (...tokens) => {
  await serve(() => {
    const next = tokens[server.requests.length % tokens.length];
    return { body: { items: [pod(1)], metadata: { continue: next } } };
  });
  expect(await api.list("/api/v1/pods")).toEqual({ ok: false, reason: expect.stringContaining("repeats the page") });
  expect(server.requests.length).toBeLessThanOrEqual(5);
});

it("takes a kind that the cluster lacks for an empty list, and an object that is not there for undefined", async () => {
  await serve(() => undefined);
  expect(await api.list("/apis/security.istio.io/v1/peerauthentications")).toEqual({ ok: true, value: [] });
  expect(await api.get("/x")).toEqual({ ok: true, value: undefined });
});

it.each<[string, ApiAnswer, string]>([
  [
    "a missing permission",
    { status: 403, body: statusObject(403, 'pods is forbidden: User "x" cannot list resource "pods"') },
    'permission missing: pods is forbidden: User "x" cannot list resource "pods"',
  ],
  ["an error", { status: 500, body: "etcd is away\nand more" }, "the API server answers 500: etcd is away"],
])("says why it could not read: %s", async (_, answer, reason) => {
  await serve(() => answer);
  expect(await api.list("/api/v1/pods")).toEqual({ ok: false, reason });
  expect(await api.get("/api/v1/pods/x")).toEqual({ ok: false, reason });
  expect(await api.text("/log")).toEqual({ ok: false, reason });
});

it("stops reading a pod that answers without end", async () => {
  const endless = "x".repeat(17 * 1024 * 1024);
  await serve(
    () => ({ body: endless }),
    () => ({ body: endless }),
  );
  const reason = expect.stringContaining("the answer is longer than 16 MiB");
  const pod = { namespace: "a", name: "b", port: 15000 };
  expect(await api.fromLoopback(pod, ["/certs"], 20_000)).toEqual({ ok: false, reason });
  expect(await api.fromPod(pod, "/readyz")).toEqual({ ok: false, reason });
});

const BUSY = { status: 429, body: "Too many requests, please try again later.\n" };

it.each([
  ["as long as it says", 2, "3", [3000, 3000], { ok: true, value: "x" }],
  ["at most ten seconds", 1, "86400", [10_000], { ok: true, value: "x" }],
  [
    "three times",
    9,
    "1",
    [1000, 1000, 1000],
    { ok: false, reason: "the API server answers 429: Too many requests, please try again later." },
  ],
  ["not where it does not say when", 1, undefined, [], { ok: false, reason: expect.stringContaining("429") }],
])("waits for an API server that is overloaded, %s", async (_, busy, retryAfter, waits, read) => {
  const headers = retryAfter === undefined ? {} : { "Retry-After": retryAfter };
  await serve(() => (server.requests.length <= busy ? { ...BUSY, headers } : { body: "x" }));
  const waited: number[] = [];
  const patient = new KubeApi(join(directory, "api"), async (milliseconds) => waited.push(milliseconds));
  expect(await patient.text("/log")).toEqual(read);
  expect(waited).toEqual(waits);
  patient.close();
});

it("gives each of very many requests its whole time", async () => {
  await serve(() => ({ body: "x" }));
  const timers = vi.spyOn(AbortSignal, "timeout");
  const answers = [...Array(100).keys()].map((n) => api.text(`/${n}`));
  // Before any answer came: those that have begun.
  expect(timers).toHaveBeenCalledTimes(32);
  expect((await Promise.all(answers)).every(({ ok }) => ok)).toBe(true);
  expect(timers).toHaveBeenCalledTimes(100);
  vi.restoreAllMocks();
});

it("tells a pod's own 503 from the API server's", async () => {
  const date = "Tue, 24 Nov 2026 17:00:00 GMT";
  await serve((url) =>
    url.pathname.startsWith("/api/v1/namespaces/a/pods/up:3001")
      ? { status: 503, body: '{"status":"unhealthy"}', headers: { Date: date } }
      : { status: 503, body: statusObject(503, "error trying to reach service: dial tcp: connection refused") },
  );
  expect(await api.fromPod({ namespace: "a", name: "up", port: 3001 }, "/readyz")).toEqual({
    ok: true,
    value: { status: 503, body: '{"status":"unhealthy"}', date: Date.parse(date) },
  });
  expect(await api.fromPod({ namespace: "a", name: "down", port: 3001 }, "/readyz")).toEqual({
    ok: false,
    reason: "the API server answers 503: error trying to reach service: dial tcp: connection refused",
  });
});

const PROXY = { namespace: "shop", name: "cart", port: 15000 };

it("reads several answers over one forwarded port, long ones too", async () => {
  const long = "x".repeat(150_000);
  await serve(
    () => undefined,
    (pod, path) => ({ body: path === "/long" ? long : `${pod} ${path}` }),
  );
  const read = await api.fromLoopback(PROXY, ["/certs", "/long", "/again"], 5000);
  expect(read).toEqual({ ok: true, value: ["shop/cart /certs", long, "shop/cart /again"] });
  expect(server.requests).toEqual(["GET /api/v1/namespaces/shop/pods/cart/portforward?ports=15000"]);
});

it.each(["", "/certs", "/again"])("says what the kubelet says on the error channel, at %j", async (refused) => {
  await serve(
    () => undefined,
    (_, path) => (path === refused ? { error: "error forwarding port 15000: connection refused" } : { body: "x" }),
  );
  expect(await api.fromLoopback(PROXY, ["/certs", "/again"], 5000)).toEqual({
    ok: false,
    reason: "error forwarding port 15000: connection refused",
  });
});

it("gives up on a proxy that says nothing", async () => {
  await serve(
    () => undefined,
    () => ({ error: "" }),
  );
  expect(await api.fromLoopback(PROXY, ["/certs"], 200)).toEqual({ ok: false, reason: "no answer within 0.2 s" });
});

/** Answers that HTTP does not foresee here. */
const ODD = {
  "a change of protocol": "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
  "two answers": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb",
  "an answer without an end": "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\na",
  "no HTTP": "SSH-2.0-OpenSSH_9.6\r\n",
};

it.each(Object.entries(ODD))("does not wait for ever for a pod that sends %s", async (_, raw) => {
  await serve(
    () => undefined,
    () => ({ body: "", raw }),
  );
  // The second request is the one that two answers leave without its own.
  expect(await api.fromLoopback(PROXY, ["/certs", "/again"], 500)).toEqual({ ok: false, reason: expect.any(String) });
});

it.each(Object.entries(ODD))("does not wait for ever for an API server that sends %s", async (_, raw) => {
  await serve(() => undefined);
  await server.close();
  const odd = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", () => socket.write(raw));
  });
  const socketPath = join(directory, "odd");
  await new Promise<void>((resolve) => odd.listen(socketPath, resolve));
  const asking = new KubeApi(socketPath);
  const answers = [await asking.text("/a", 500), await asking.text("/b", 500)];
  // Of two answers the first one may count.
  expect(answers.some(({ ok }) => ok)).toBe(raw === ODD["two answers"]);
  asking.close();
  odd.close();
});

it("survives an API server that goes away", async () => {
  await serve(() => ({ body: {} }));
  await server.close();
  expect(await api.get("/version")).toEqual({
    ok: false,
    reason: expect.stringMatching(/^the API server: .*(ENOENT|ECONN)/),
  });
  expect(await api.fromLoopback(PROXY, ["/certs"], 500)).toEqual({
    ok: false,
    reason: expect.stringMatching(/ENOENT|ECONN/),
  });
});
