import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { runCli } from "../support/run-cli.ts";

// Each runs Helm, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

let dir: string;
let file: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "values-key-"));
  file = join(dir, "parent.yaml");
  const teleport = { clusterName: "a.example", proxyAddr: "a.example:443", join: { type: "in_cluster" } };
  const mesh = { gateways: { public: { namespace: "ingress", serviceAccount: "public" } } };
  const web = { labels: { app: "web" }, serviceAccount: "web", ports: [{ port: 80, protocol: "HTTP" }] };
  const shop = { namespace: "shop", services: { web: { ...web, callers: [{ gateway: "public" }] } } };
  const identity = { tbot: { credentialTTL: "3h" }, mesh: { ...mesh, applications: { shop } } };
  await writeFile(file, JSON.stringify({ global: { teleport, hub: "x" }, identity, other: { replicas: 2 } }));
});
afterAll(() => rm(dir, { recursive: true }));

test.each([
  [["render", "teleport"], "10800s"],
  [["render", "istio"], 'trustDomain: "a.example"'],
  [["render", "manifests"], "credential_ttl: 3h"],
  [["gen-token"], "type: in_cluster"],
  [["graph"], "shop"],
])("%j reads a parent chart's values", async (command, expected) => {
  const { stdout, status } = await runCli(...command, "-f", file, "--values-key", "identity");
  expect(status).toBe(0);
  expect(stdout).toContain(expected);
});

test("without it, or without values, the keys of the parent are refused", async () => {
  const plain = await runCli("render", "teleport", "-f", file);
  expect([plain.stderr, plain.status]).toEqual([expect.stringContaining("identity is not a value"), 1]);
  const alone = await runCli("gen-token", "--values-key", "identity");
  expect([alone.stderr, alone.status]).toEqual([expect.stringContaining("--values-key identity: the values"), 1]);
});

test("install, which makes a release of this chart alone, refuses it", async () => {
  const { stderr, status } = await runCli("install", "-f", file, "--values-key", "identity", "--dry-run");
  expect([stderr, status]).toEqual([expect.stringContaining("install the parent with Helm"), 1]);
});
