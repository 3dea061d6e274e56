import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { Pod } from "../../../../tools/doctor/facts/objects.ts";
import { readProxies } from "../../../../tools/doctor/gather/proxy-secrets.ts";
import { KubeApi } from "../../../../tools/programs/kube-api/kube-api.ts";
import { type FakeApiServer, fakeApiServer } from "../../support/fake-api-server.ts";

let directory: string;
let server: FakeApiServer;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "proxies-test-"));
});
afterEach(async () => {
  await server.close();
  await rm(directory, { recursive: true });
});

function pod(namespace: string, name: string, node: string): Pod {
  return { metadata: { namespace, name }, spec: { nodeName: node, containers: [] }, status: {} };
}

async function read(pods: Pod[], forwarded: Parameters<typeof fakeApiServer>[2]) {
  const socketPath = join(directory, "api");
  server = await fakeApiServer(socketPath, () => undefined, forwarded);
  const progress: number[] = [];
  const proxies = await readProxies(new KubeApi(socketPath), pods, (done) => progress.push(done));
  return { proxies, progress };
}

const EMPTY = { body: "{}" };

it("asks a node no longer after two of its pods were silent, and every other node", async () => {
  const pods = ["a", "b", "c", "d"].flatMap((name) => [pod("x", name, "away"), pod("y", name, "here")]);
  const { proxies, progress } = await read(pods, (name) =>
    name.startsWith("x/") ? { error: "no route to host" } : EMPTY,
  );
  expect(proxies.map(({ namespace, pod: name, secrets }) => [namespace, name, secrets.ok || secrets.reason])).toEqual([
    ["x", "a", "no route to host"],
    ["x", "b", "no route to host"],
    ["x", "c", "not tried, since others on the node away failed: no route to host"],
    ["x", "d", "not tried, since others on the node away failed: no route to host"],
    ["y", "a", true],
    ["y", "b", true],
    ["y", "c", true],
    ["y", "d", true],
  ]);
  expect(progress).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

it("continues in other namespaces after a missing permission", async () => {
  const pods = ["a", "b", "c"].map((name) => pod("closed", name, "n")).concat(pod("open", "d", "n"));
  const { proxies } = await read(pods, (name) =>
    name.startsWith("closed/") ? { error: "permission missing: pods is forbidden" } : EMPTY,
  );
  expect(proxies.map(({ secrets }) => secrets.ok)).toEqual([false, false, false, true]);
});

it("asks the others of a node where pods do not listen yet", async () => {
  const pods = ["a", "b", "c", "d"].map((name) => pod("x", name, "n"));
  const { proxies } = await read(pods, (name) => (name === "x/d" ? EMPTY : { error: "dial tcp4: connection refused" }));
  expect(proxies.map(({ secrets }) => secrets.ok || secrets.reason)).toEqual([
    ...Array(3).fill("dial tcp4: connection refused"),
    true,
  ]);
});

it("says when a proxy's admin interface answers something else", async () => {
  const { proxies } = await read([pod("x", "a", "n")], () => ({ body: "<html>" }));
  expect(proxies[0]?.secrets).toEqual({ ok: false, reason: expect.stringContaining("answers something else") });
});

it("keeps a certificate whose key nobody knows from the checks, which it would end for all pods", async () => {
  const { chain } = JSON.parse(readFileSync(new URL("../intermediate-authority.json", import.meta.url), "utf8")) as {
    chain: [string];
  };
  const hex = new X509Certificate(chain[0]).raw.toString("hex").replace("06072a8648ce3d0201", "06072a8648ce3d027f");
  const pem = `-----BEGIN CERTIFICATE-----\n${Buffer.from(hex, "hex").toString("base64")}\n-----END CERTIFICATE-----\n`;
  const secret = { validation_context: { trusted_ca: { inline_string: pem } } };
  const { proxies } = await read([pod("x", "a", "n")], () => ({
    body: JSON.stringify({ configs: [{ name: "ROOTCA", secret }] }),
  }));
  expect(proxies[0]?.secrets).toEqual({ ok: false, reason: expect.stringContaining("answers something else") });
});

it("reads the connections and streams to tbot's socket, and nobody else's", async () => {
  const lines = ["cx_active::1", "rq_active::2", "rq_total::4"].flatMap((counter) => [
    `sds-grpc::./var/run/secrets/workload-spiffe-uds/socket::${counter}`,
    `sds-files-grpc::./var/run/secrets/credential-uds/files-socket::${counter}`,
  ]);
  const { proxies } = await read([pod("x", "a", "n"), pod("x", "b", "n")], (name, path) =>
    name === "x/a" && path.startsWith("/clusters") ? { body: `${lines.join("\n")}\n` } : EMPTY,
  );
  const tbot = proxies.map(({ secrets }) => (secrets.ok ? secrets.value.tbot : secrets.reason));
  expect(tbot).toEqual([{ connections: 1, streams: 2 }, undefined]);
});
