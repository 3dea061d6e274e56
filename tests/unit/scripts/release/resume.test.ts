import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { Release } from "../../../../scripts/release/release.ts";
import { isOnGithub, takePublishedChart } from "../../../../scripts/release/resume.ts";

/** A release that stopped between GitHub and the chart's index, run again. */

let dir: string;
const text = (file: string) => readFile(join(dir, file), "utf8");
const program = async (name: string, script: string) => {
  const file = join(dir, "bin", name);
  await writeFile(file, `#!/bin/sh\necho "${name} $*" >> '${dir}/log'\n${script}\n`);
  await chmod(file, 0o755);
};
const release = () =>
  ({
    version: "1.2.3",
    folder: join(dir, "out"),
    archives: "https://example.com/v1.2.3",
    previousIndex: undefined,
    signingKey: { publicKeyring: "/keys/public.gpg" },
  }) as Release;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), "resume-"));
  await mkdir(join(dir, "bin"));
  await mkdir(join(dir, "out/chart"), { recursive: true });
  vi.stubEnv("PATH", `${join(dir, "bin")}${delimiter}${process.env.PATH}`);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await rm(dir, { recursive: true });
});

it.each([
  ["there is none", "echo release not found >&2; exit 1", false],
  ["it is a draft, whose upload was stopped", `echo '{"isDraft":true}'`, false],
  ["people can download it", `echo '{"isDraft":false}'`, true],
])("GitHub's release is kept if %s: %#", async (_, script, kept) => {
  await program("gh", script);
  expect(await isOnGithub(release())).toBe(kept);
});

it("nothing is published again while GitHub does not say whether it has the release", async () => {
  await program("gh", "echo HTTP 503 >&2; exit 1");
  await expect(isOnGithub(release())).rejects.toThrow("gh could not look for the release v1.2.3: HTTP 503.");
});

it("the index is made of the archive that people download, once its signature is verified", async () => {
  const chart = join(dir, "out/chart/istio-teleport-1.2.3.tgz");
  await writeFile(chart, "made again");
  await writeFile(join(dir, "out/chart/index.yaml"), "of what was made again");
  await program("gh", `[ -e '${chart}' ] && exit 1; echo published > '${chart}'`);
  await program("helm", "true");
  await takePublishedChart(release());
  expect(await readFile(chart, "utf8")).toBe("published\n");
  expect((await text("log")).replaceAll(dir, "").trim().split("\n")).toEqual([
    "gh release download v1.2.3 --dir /out/chart --pattern *.tgz --pattern *.tgz.prov",
    "helm verify /out/chart/istio-teleport-1.2.3.tgz --keyring /keys/public.gpg",
    "helm repo index /out/chart --url https://example.com/v1.2.3",
  ]);
});

it("an archive on GitHub that our key did not sign gets into no index", async () => {
  await program("gh", "true");
  await program("helm", '[ "$1" = verify ] && { echo "Error: no signature" >&2; exit 1; }; true');
  await expect(takePublishedChart(release())).rejects.toThrow("no signature");
  expect(await text("log")).not.toContain("repo index");
});
