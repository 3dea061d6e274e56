import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { EXIT } from "../../../tools/base/exit-error.ts";
import { helmReason, helmTemplate, isNewEnough } from "../../../tools/programs/helm.ts";
import { HELM_PACKAGE } from "../../../tools/programs/pinned-helm.ts";
import { refusal } from "../support/refusal.ts";

// Each runs Helm or a whole command, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

test.each([
  ["v3.18.0", true],
  ["v3.22.0+gabc", true],
  ["v4.2.3\n", true],
  ["v3.17.9", false],
  ["v2.17.0", false],
  ["Client: v2", false],
  ["", false],
])("Helm %j is new enough: %s", (version, expected) => {
  expect(isNewEnough(version)).toBe(expected);
});

test.each([
  [
    "Error: execution error at (istio-teleport/templates/checks/checks.yaml:3:4): x is empty: set it.\n\nUse --debug flag to render out invalid YAML\n",
    "x is empty: set it.",
  ],
  [
    'level=WARN msg="old"\nError: failed parsing --set data: key "a" has no value\n',
    'Helm: failed parsing --set data: key "a" has no value.',
  ],
  [
    "Error: execution error at (istio-teleport/templates/checks/checks.yaml:3:4): x is empty: set it.\ny is 2: lower it.\n\nUse --debug flag to render out invalid YAML\n",
    "x is empty: set it.\ny is 2: lower it.",
  ],
  ["Error: first line\n  second line\n", "Helm: first line second line."],
  ["something else\n", "Helm: something else."],
])("what Helm says, %j, becomes one sentence for each problem", (stderr, sentence) => {
  expect(helmReason(stderr)).toBe(sentence);
});

describe("which Helm is taken", () => {
  let dir: string;
  const path = process.env.PATH;

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), "helm-test-"));
    vi.resetModules();
    vi.stubEnv("XDG_CACHE_HOME", join(dir, "cache"));
    vi.stubEnv("PATH", dir);
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    vi.restoreAllMocks();
    vi.doUnmock("node:module");
    await rm(dir, { recursive: true });
  });

  // Fresh for each test: the module remembers the Helm it found.
  const findHelm = async () => (await import("../../../tools/programs/helm.ts")).findHelm();

  async function helmOnPath(version: string): Promise<void> {
    const file = join(dir, "helm");
    await writeFile(file, `#!/bin/sh\nprintf '%s' '${version}'\n`);
    await chmod(file, 0o755);
    vi.stubEnv("PATH", `${dir}${delimiter}${path}`);
  }

  test("helm from PATH, when it is new enough", async () => {
    await helmOnPath("v3.18.0");
    expect(await findHelm()).toBe("helm");
  });

  test.runIf(process.platform === "linux" && process.arch === "x64")(
    "the pinned one when PATH has an old one: unpacked once, executable, nothing half-written beside it",
    async () => {
      await helmOnPath("v3.17.9");
      const [first, second] = await Promise.all([findHelm(), findHelm()]);
      expect(first).toBe(second);
      expect(first.startsWith(join(dir, "cache", "istio-teleport"))).toBe(true);
      expect((await stat(first)).mode & 0o777).toBe(0o755);
      expect(await readdir(join(first, ".."))).toEqual(["helm"]);

      const { mtimeMs } = await stat(first);
      vi.resetModules();
      expect(await findHelm()).toBe(first);
      expect((await stat(first)).mtimeMs).toBe(mtimeMs);
    },
  );

  describe.runIf(process.platform === "linux" && process.arch === "x64")("outside a checkout", () => {
    /** An npm that "installs" the given file as the package's zip; its arguments are checked by a real one in the lab. */
    async function npmThatInstalls(zip: string): Promise<void> {
      const script = [
        "#!/bin/sh",
        `for flag; do case "$flag" in --prefix=*) prefix="\${flag#--prefix=}";; esac; done`,
        `folder="$prefix/node_modules/${HELM_PACKAGE.name}/lib"`,
        `mkdir -p "$folder" && cp '${zip}' "$folder/layer.zip"`,
      ];
      await writeFile(join(dir, "npm"), `${script.join("\n")}\n`, { mode: 0o755 });
    }
    const realZip = createRequire(import.meta.url).resolve(`${HELM_PACKAGE.name}/lib/layer.zip`);

    /** As where the package is no dependency: it cannot be resolved. */
    async function leaveCheckout(): Promise<void> {
      await helmOnPath("v3.17.9");
      vi.spyOn(process.stderr, "write").mockReturnValue(true);
      vi.doMock("node:module", () => ({
        createRequire: () => ({
          resolve: () => {
            throw new Error("not installed");
          },
        }),
      }));
    }

    test("the pinned one is fetched once, and says so", async () => {
      await leaveCheckout();
      await npmThatInstalls(realZip);
      const helm = await findHelm();
      expect((await stat(helm)).mode & 0o777).toBe(0o755);
      expect(process.stderr.write).toHaveBeenCalledWith(
        expect.stringContaining("fetching the pinned one (38 MB, once)"),
      );
      await rm(join(dir, "npm"));
      vi.resetModules();
      expect(await findHelm()).toBe(helm);
    });

    test("another zip than the pinned one is refused", async () => {
      await leaveCheckout();
      const other = join(dir, "other.zip");
      await writeFile(other, "not Helm");
      await npmThatInstalls(other);
      await expect(findHelm()).rejects.toThrow("holds another Helm than the pinned one");
      expect(await readdir(dir)).not.toContain("cache");
    });

    test("npm that fails", async () => {
      await leaveCheckout();
      await writeFile(join(dir, "npm"), "#!/bin/sh\nexit 1\n", { mode: 0o755 });
      await expect(findHelm()).rejects.toMatchObject({ code: EXIT.unavailable });
      await expect(findHelm()).rejects.toThrow("install Helm 3.18 or later");
    });
  });

  test("the pinned version is the one that package.json installs in a checkout", async () => {
    const manifest = JSON.parse(await readFile(new URL("../../../package.json", import.meta.url), "utf8"));
    expect(manifest.devDependencies[HELM_PACKAGE.name]).toBe(HELM_PACKAGE.version);
  });

  test("neither: the sentence says what PATH has and how to get one", async () => {
    vi.spyOn(process, "platform", "get").mockReturnValue("darwin");
    await helmOnPath("v3.17.9");
    await expect(findHelm()).rejects.toMatchObject({ code: EXIT.unavailable });
    await expect(findHelm()).rejects.toThrow(
      "The helm on PATH is v3.17.9, and there is a pinned one for Linux x64 only",
    );
  });

  test("a cache that cannot be written", async () => {
    await mkdir(join(dir, "cache"));
    await writeFile(join(dir, "cache", "istio-teleport"), "a file in the way");
    await expect(findHelm()).rejects.toMatchObject({ code: EXIT.unavailable });
    await expect(findHelm()).rejects.toThrow("set XDG_CACHE_HOME");
  });
});

test("a kube version that is none is refused in Helm's words", async () => {
  const sentence = await refusal(() => helmTemplate({ inputs: { files: [], sets: [] }, kubeVersion: "new" }));
  expect(sentence).toContain("could not parse");
});
