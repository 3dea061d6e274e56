import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { parseAllDocuments } from "yaml";
import { EXIT } from "../../../tools/base/exit-error.ts";
import type { DemoCluster } from "../../../tools/demo/demo-cluster.ts";
import { exampleCluster } from "../../../tools/demo/example-cluster.ts";
import { proveJoin } from "../../../tools/demo/join-proof.ts";
import { replaceDirectory } from "../../../tools/demo/output-directory.ts";
import { renderAll, TOKEN_PATH } from "../../../tools/demo/render-all.ts";
import { summary } from "../../../tools/demo/summary.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { parseJwks } from "../../../tools/teleport/join/jwks.ts";
import { refusal } from "../support/refusal.ts";

// Each runs Helm or a whole command, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const TBOT = { namespace: "teleport-system", serviceAccount: "tbot" };
const NAME = "example.teleport.sh";

describe("the example cluster", () => {
  test("publishes a JWKS that gen-token takes, with a new key each time", async () => {
    const [first, second] = await Promise.all([exampleCluster(TBOT), exampleCluster(TBOT)]);
    const [a] = parseJwks(Buffer.from(first.jwks), "the first");
    const [b] = parseJwks(Buffer.from(second.jwks), "the second");
    expect(a?.kid).not.toBe(b?.kid);
    expect(first.jwks).not.toContain('"d"');
  });
});

describe("what the demo renders and proves", () => {
  const rendered = async (cluster: DemoCluster) => {
    const files = await renderAll(systemRunner, cluster, NAME);
    const token = files.find(({ path }) => path === TOKEN_PATH)?.content ?? "";
    return { files, token };
  };

  test("is the whole hand-off, each file parseable", async () => {
    const cluster = await exampleCluster(TBOT);
    const { files, token } = await rendered(cluster);
    expect(files.map(({ path }) => path)).toEqual([
      "values.yaml",
      "jwks.json",
      "teleport/role.yaml",
      "teleport/bot.yaml",
      "teleport/workload-identity.yaml",
      "teleport/join-token.yaml",
      "istio/istiod-values.yaml",
      "istio/istio-operator.yaml",
      "istio/gateway-values.yaml",
      "kubernetes/manifests.yaml",
    ]);
    for (const { content } of files) {
      expect(parseAllDocuments(content).flatMap((document) => document.errors)).toEqual([]);
    }
    const proofs = await proveJoin(cluster, token, NAME);
    expect(proofs.map(({ outcome }) => outcome.split(/[: ]/)[0])).toEqual([
      "joins",
      "refused",
      "refused",
      "refused",
      "refused",
    ]);
    const text = summary(cluster, "out", files, proofs);
    for (const { path } of files) expect(text).toContain(path);
    for (const { tried, outcome } of proofs) {
      expect(text).toContain(tried);
      expect(text).toContain(outcome);
    }
  });

  test("fails when tbot's token would not join", async () => {
    const { token } = await rendered(await exampleCluster(TBOT));
    const other = await exampleCluster(TBOT);
    expect(await refusal(() => proveJoin(other, token, NAME))).toContain("Teleport would refuse the token of the pod");
    const elsewhere = await exampleCluster({ ...TBOT, namespace: "default" });
    const { token: forTbot } = await rendered(elsewhere);
    expect(await refusal(() => proveJoin(elsewhere, forTbot, NAME))).toContain("system:serviceaccount:default:tbot");
  });

  test("fails when a token that must not join would", async () => {
    const cluster = await exampleCluster(TBOT);
    const { token } = await rendered(cluster);
    const lenient: DemoCluster = {
      ...cluster,
      podToken: ({ audience }) => cluster.podToken({ audience, lifeSeconds: 600 }),
    };
    expect(await refusal(() => proveJoin(lenient, token, NAME))).toContain("with a life of 1 h would join");
  });
});

describe("the output directory", () => {
  let dir: string;
  const file = (path: string, content: string) => ({ path, content, checked: "" });
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "demo-test-"));
  });
  afterEach(() => rm(dir, { recursive: true }));

  test("holds exactly the files, and is replaced as a whole", async () => {
    const out = join(dir, "out");
    await replaceDirectory(out, [file("a/b.yaml", "1"), file("old.yaml", "2")]);
    await replaceDirectory(out, [file("a/b.yaml", "3")]);
    expect((await readdir(out)).sort()).toEqual([".istio-teleport-demo", "a"]);
    expect(await readFile(join(out, "a", "b.yaml"), "utf8")).toBe("3");
    expect(await readdir(dir)).toEqual(["out"]);
  });

  test("an empty directory may be taken", async () => {
    await mkdir(join(dir, "out"));
    await replaceDirectory(join(dir, "out"), [file("a.yaml", "1")]);
    expect(await readdir(join(dir, "out"))).toContain("a.yaml");
  });

  test("one that the demo did not make stays as it is", async () => {
    await writeFile(join(dir, "mine"), "x");
    expect(await refusal(() => replaceDirectory(dir, [file("a.yaml", "1")]))).toContain("was not created by this demo");
    expect(await readdir(dir)).toEqual(["mine"]);
    expect(await refusal(() => replaceDirectory(join(dir, "mine"), []))).toContain("is a file");
  });

  test("a parent that does not exist", async () => {
    const sentence = await refusal(() => replaceDirectory(join(dir, "no", "out"), []), EXIT.unavailable);
    expect(sentence).toContain("could not be written (ENOENT)");
  });

  test("when a file cannot be written, the old directory stays and nothing is left beside it", async () => {
    const out = join(dir, "out");
    await replaceDirectory(out, [file("a.yaml", "1")]);
    // A path that is a file and a directory at once.
    await refusal(() => replaceDirectory(out, [file("x", "2"), file("x/y", "2")]), EXIT.unavailable);
    expect(await readFile(join(out, "a.yaml"), "utf8")).toBe("1");
    expect(await readdir(dir)).toEqual(["out"]);
  });
});
