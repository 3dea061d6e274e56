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
  const identity = { tbot: { credentialTTL: "3h" } };
  await writeFile(file, JSON.stringify({ global: { teleport, hub: "x" }, identity, other: { replicas: 2 } }));
});
afterAll(() => rm(dir, { recursive: true }));

test("the documents are of the parent chart's values", async () => {
  const { stdout, status } = await runCli("render", "teleport", "-f", file, "--values-key", "identity");
  expect(status).toBe(0);
  expect(stdout).toContain("10800s");
});

test.each([
  [["render", "teleport"]],
  [["render", "istio"]],
  [["gen-token"]],
  [["graph"]],
  [["doctor", "--pre"]],
  [["cleanup"]],
])("%j looks under the key", async (command) => {
  const { stdout, stderr, status } = await runCli(...command, "-f", file, "--values-key", "identitty");
  expect([stdout, stderr, status]).toEqual(["", expect.stringContaining("did you mean identity?"), 1]);
});

test("without values it is refused", async () => {
  const { stderr, status } = await runCli("gen-token", "--values-key", "identity");
  expect([stderr, status]).toEqual([expect.stringContaining("--values-key identity: the values"), 1]);
});

test("install, which makes a release of this chart alone, refuses it", async () => {
  const { stderr, status } = await runCli("install", "-f", file, "--values-key", "identity", "--dry-run");
  expect([stderr, status]).toEqual([expect.stringContaining("install the parent with Helm"), 1]);
});
