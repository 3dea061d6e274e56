import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { exampleCluster } from "../../tools/demo/example-cluster.ts";
import { genTokenCommand } from "../../tools/gen-token.ts";
import { systemRunner } from "../../tools/programs/system-runner.ts";
import { repositoryPath } from "../support/run-helm.ts";
import { runCli } from "./support/run-cli.ts";

/** The commands as a user runs them: what is on stdout, what on stderr, and the exit code. */

// Each runs Helm or a whole command, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const MINIMAL = repositoryPath("chart/ci/minimal-values.yaml");

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-test-"));
});
afterEach(() => {
  process.exitCode = undefined;
  process.stdout.removeAllListeners("error");
});
afterAll(() => rm(dir, { recursive: true }));

const INIT = ["init", "--cluster-name", "a.example", "--proxy-addr", "a.example:443"];

test("init writes a file that every other command takes, and does not replace it unasked", async () => {
  const file = join(dir, "values.yaml");
  const made = await runCli(...INIT, "--output", file);
  expect(made).toMatchObject({ status: 0, stdout: "" });
  expect(made.stderr).toContain(`Wrote ${file}. Next`);
  // The whole installation: a list of commands that leaves one out ends in a mesh without tbot.
  expect(made.stderr).toContain(`istio-teleport install -f ${file}`);
  const text = await readFile(file, "utf8");
  expect(parse(text)).toEqual({ global: { teleport: { clusterName: "a.example", proxyAddr: "a.example:443" } } });
  expect(text).toMatch(/^ {4}# /m);

  await writeFile(file, `${text}# mine\n`);
  const again = await runCli(...INIT, "--output", file);
  expect(again).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringContaining("already exists; replace it with --force"),
  });
  expect(await readFile(file, "utf8")).toContain("# mine");
  expect((await runCli(...INIT, "--output", file, "--force")).status).toBe(0);
  expect(await readFile(file, "utf8")).toBe(text);
  expect(await runCli(...INIT, "--output", "-")).toEqual({ status: 0, stdout: text, stderr: "" });
  expect((await runCli("render", "istio", "-f", file)).status).toBe(0);
});

test("init refuses wrong values before it writes", async () => {
  const file = join(dir, "wrong.yaml");
  const wrong = await runCli("init", "--cluster-name", "Upper", "--proxy-addr", "https://x", "--output", file);
  expect(wrong).toMatchObject({ status: 1, stdout: "" });
  expect(wrong.stderr).toContain('global.teleport.clusterName is "Upper"');
  expect(wrong.stderr).toContain('global.teleport.proxyAddr is "https://x"');
  await expect(stat(file)).rejects.toThrow("ENOENT");
});

test("init needs no Helm: not on PATH, and none that could be unpacked", () => {
  // The cache of the pinned Helm cannot be below a file.
  const env = { PATH: dir, XDG_CACHE_HOME: MINIMAL };
  const program = (...args: string[]) =>
    spawnSync(process.execPath, ["--import", "tsx", repositoryPath("tools/cli.ts"), ...args], {
      env,
      encoding: "utf8",
    });
  const rendered = program("render", "istio", "-f", MINIMAL);
  expect([rendered.status, rendered.stdout]).toEqual([2, ""]);
  expect(rendered.stderr).toMatch(/[Ii]nstall Helm/);
  const made = program(...INIT, "--output", "-");
  expect([made.status, made.stderr]).toEqual([0, ""]);
  expect(parse(made.stdout).global.teleport.clusterName).toBe("a.example");
  const refused = program("init", "--cluster-name", "", "--proxy-addr", "a.example:65536", "--output", "-");
  expect([refused.status, refused.stdout]).toEqual([1, ""]);
  expect(refused.stderr).toContain("global.teleport.clusterName is empty");
  expect(refused.stderr).toContain("its port is above 65535");
});

test("render prints documents on stdout and nothing on stderr", async () => {
  const istio = await runCli("render", "istio", "-f", MINIMAL);
  expect(istio).toMatchObject({ status: 0, stderr: "" });
  expect(parse(istio.stdout).meshConfig.trustDomain).toBe("example.teleport.sh");
  const operator = await runCli("render", "istio", "--as", "istioctl", "-f", MINIMAL);
  expect(parse(operator.stdout).kind).toBe("IstioOperator");
  const gateway = await runCli("render", "istio", "--gateway", "-f", MINIMAL);
  expect(Object.keys(parse(gateway.stdout))).toEqual(["podAnnotations"]);
  const teleport = await runCli("render", "teleport", "-f", MINIMAL, "--set", "tbot.credentialTTL=2h");
  expect(teleport.stdout.match(/^kind: .*/gm)).toEqual(["kind: role", "kind: bot", "kind: workload_identity"]);
  expect(teleport.stdout).toContain('maximum_ttl: "7200s"');
  const manifests = await runCli("render", "manifests", "-f", MINIMAL, "--release", "mine", "-n", "x");
  expect(manifests).toMatchObject({ status: 0, stderr: "" });
  expect(manifests.stdout).toContain("name: mine-tbot");
});

test("render teleport --with-token ends with the document that gen-token prints", async () => {
  const jwks = join(dir, "jwks.json");
  await writeFile(jwks, (await exampleCluster({ namespace: "teleport-system", serviceAccount: "tbot" })).jwks);
  const rendered = await runCli("render", "teleport", "-f", MINIMAL, "--with-token", "--jwks-file", jwks);
  const token = await runCli("gen-token", "-f", MINIMAL, "--jwks-file", jwks);
  expect(rendered.stdout.match(/^kind: .*/gm)?.at(-1)).toBe("kind: token");
  expect(rendered.stdout.split("---\n").at(-1)).toBe(token.stdout);

  const keyless = ["--set", "global.teleport.join.type=in_cluster"];
  const inCluster = await runCli("render", "teleport", "-f", MINIMAL, "--with-token", ...keyless);
  expect(inCluster.stdout).toContain("type: in_cluster");
  const idle = await runCli("render", "teleport", "-f", MINIMAL, "--with-token", "--jwks-file", jwks, ...keyless);
  expect(idle).toMatchObject({ status: 1, stdout: "" });
  expect(idle.stderr).toContain("holds no keys");
});

test.each([
  [["render", "teleport", "-f", MINIMAL, "--jwks-file", "x"], "add --with-token"],
  [["render", "teleport", "--with-token", "--jwks-file", "x", "--context", "y"], "give one of them"],
  [["render", "teleport", "--with-token", "--jwks-file", "-", "-f", "-"], "can be read only once"],
  [["render", "teleport"], "global.teleport.clusterName is empty"],
  [["render", "istio", "-f", "nope.yaml"], "nope.yaml does not exist"],
  [["render", "istio", "--gateway", "--as", "istioctl"], "--gateway prints values for the chart istio/gateway"],
  [["render", "manifests", "-f", MINIMAL, "--kube-version", "new"], "could not parse"],
  [["render", "manifests", "-f", MINIMAL, "--kube-version", "1.20.0"], "incompatible with Kubernetes"],
  [["render", "istio", "-f", MINIMAL, "--set", "tbot.socket.fil=x"], "did you mean tbot.socket.file?"],
  [["rendr"], "unknown command 'rendr'"],
  [["demo", "--output", MINIMAL], "is a file"],
])("%j is refused in one line, with nothing on stdout", async (args, sentence) => {
  const { status, stdout, stderr } = await runCli(...args);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(sentence);
  expect(stderr).not.toMatch(/^ {4}at /m);
});

test("--version is the package's", async () => {
  const { version } = JSON.parse(await readFile(repositoryPath("package.json"), "utf8"));
  expect(await runCli("--version")).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
});

test.each([
  { command: [] },
  { command: ["render"] },
  { command: ["render", "istio"] },
  { command: ["init"] },
  { command: ["demo"] },
])("$command --help is on stdout", async ({ command }) => {
  const { status, stdout, stderr } = await runCli(...command, "--help");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain("Usage: istio-teleport");
});

test("examples of gen-token --help start with what the user typed", async () => {
  const { stdout } = await runCli("gen-token", "--help");
  expect(stdout).toContain("\n  istio-teleport gen-token -f values.yaml | tctl create -f\n");
  expect(stdout).not.toMatch(/(^ {2}|\| )gen-token /m);

  let bin = "";
  genTokenCommand(systemRunner)
    .configureOutput({ writeOut: (text) => (bin += text) })
    .outputHelp();
  expect(bin).toContain("\n  gen-token -f values.yaml | tctl create -f\n");
  expect(bin).not.toContain("istio-teleport gen-token");
});

test.each([["doctor"], ["install"], ["cleanup"], ["render", "istio"], ["graph"], ["gen-token"]])(
  "%s --help shows no empty list as a default",
  async (...command) => {
    const { stdout } = await runCli(...command, "--help");
    expect(stdout).toContain("-f, --values <file>");
    expect(stdout).not.toContain("[])");
  },
);

test("as a process: values from stdin, the document whole on a pipe, the exit code", () => {
  const program = ["--import", "tsx", repositoryPath("tools/cli.ts")];
  const istio = (input: string) =>
    spawnSync(process.execPath, [...program, "render", "istio", "-f", "-"], { input, encoding: "utf8" });
  const good = istio("global: {teleport: {clusterName: a.example, proxyAddr: 'a.example:443'}}\n");
  expect({ status: good.status, stderr: good.stderr }).toEqual({ status: 0, stderr: "" });
  expect(parse(good.stdout).meshConfig.trustDomain).toBe("a.example");
  const bad = istio("global: [\n");
  expect({ status: bad.status, stdout: bad.stdout }).toEqual({ status: 1, stdout: "" });
  expect(bad.stderr).toMatch(/^istio-teleport: stdin:2:1: .*\n$/);
});
