import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { parse } from "yaml";
import { repositoryPath } from "../support/run-helm.ts";

/** The commands as a user runs them: what is on stdout, what on stderr, and the exit code. */

// Each runs Helm or a whole command, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "cli-test-"));
});
afterAll(() => rm(dir, { recursive: true }));

function run(args: string[], input = "") {
  const program = [repositoryPath("node_modules/tsx/dist/cli.mjs"), repositoryPath("tools/cli.ts")];
  const { status, stdout, stderr } = spawnSync(process.execPath, [...program, ...args], {
    cwd: dir,
    input,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

const INIT = ["init", "--cluster-name", "a.example", "--proxy-addr", "a.example:443"];
const MINIMAL = "global: {teleport: {clusterName: a.example, proxyAddr: 'a.example:443'}}\n";

test("init writes a file that every other command takes, and does not replace it unasked", async () => {
  const made = run(INIT);
  expect(made).toMatchObject({ status: 0, stdout: "" });
  expect(made.stderr).toContain("Wrote values.yaml. Next");
  const file = join(dir, "values.yaml");
  const text = await readFile(file, "utf8");
  expect(parse(text)).toEqual({ global: { teleport: { clusterName: "a.example", proxyAddr: "a.example:443" } } });
  expect(text).toMatch(/^ {4}# /m);

  const { mtimeMs } = await stat(file);
  expect(run(INIT)).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringContaining("exists already; --force"),
  });
  expect((await stat(file)).mtimeMs).toBe(mtimeMs);
  expect(run([...INIT, "--force"]).status).toBe(0);
  expect(run([...INIT, "--output", "-"])).toEqual({ status: 0, stdout: text, stderr: "" });
  expect(run(["render", "istio", "-f", "values.yaml"]).status).toBe(0);
});

test("init refuses wrong values before it writes", async () => {
  const wrong = run(["init", "--cluster-name", "Upper", "--proxy-addr", "https://x", "--output", "wrong.yaml"]);
  expect(wrong).toMatchObject({ status: 1, stdout: "" });
  expect(wrong.stderr).toContain('global.teleport.clusterName is "Upper"');
  expect(wrong.stderr).toContain('global.teleport.proxyAddr is "https://x"');
  await expect(stat(join(dir, "wrong.yaml"))).rejects.toThrow("ENOENT");
});

test("render prints documents on stdout and nothing on stderr", () => {
  const istio = run(["render", "istio", "-f", "-"], MINIMAL);
  expect(istio).toMatchObject({ status: 0, stderr: "" });
  expect(parse(istio.stdout).meshConfig.trustDomain).toBe("a.example");
  const operator = run(["render", "istio", "--as", "istioctl", "-f", "-"], MINIMAL);
  expect(parse(operator.stdout).kind).toBe("IstioOperator");
  const gateway = run(["render", "istio", "--gateway", "-f", "-"], MINIMAL);
  expect(Object.keys(parse(gateway.stdout))).toEqual(["podAnnotations"]);
  const teleport = run(["render", "teleport", "-f", "-", "--set", "tbot.credentialTTL=2h"], MINIMAL);
  expect(teleport.stdout.match(/^kind: .*/gm)).toEqual(["kind: role", "kind: bot", "kind: workload_identity"]);
  expect(teleport.stdout).toContain('maximum_ttl: "7200s"');
  const manifests = run(["render", "manifests", "-f", "-", "--release", "mine", "-n", "x"], MINIMAL);
  expect(manifests).toMatchObject({ status: 0, stderr: "" });
  expect(manifests.stdout).toContain("name: mine-tbot");
});

test.each([
  [["render", "teleport"], "global.teleport.clusterName is empty"],
  [["render", "istio", "-f", "nope.yaml"], "nope.yaml does not exist"],
  [
    ["render", "istio", "--gateway", "--as", "istioctl", "-f", "-"],
    "--gateway prints values for the chart istio/gateway",
  ],
  [["render", "manifests", "-f", "-", "--kube-version", "new"], "could not parse"],
  [["render", "manifests", "-f", "-", "--kube-version", "1.20.0"], "incompatible with Kubernetes"],
  [["render", "istio", "-f", "-", "--set", "tbot.socket.fil=x"], "did you mean tbot.socket.file?"],
  [["rendr"], "unknown command 'rendr'"],
  [["demo", "--output", "/proc/1/status"], "is a file"],
])("%j is refused in one line, with nothing on stdout", (args, sentence) => {
  const { status, stdout, stderr } = run(args, MINIMAL);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(sentence);
  expect(stderr).not.toMatch(/^ {4}at /m);
});

test("--version is the package's", async () => {
  const { version } = JSON.parse(await readFile(repositoryPath("package.json"), "utf8"));
  expect(run(["--version"])).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
});

test.each([[[]], [["render"]], [["render", "istio"]], [["init"]], [["demo"]]])("%j --help is on stdout", (command) => {
  const { status, stdout, stderr } = run([...command, "--help"]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  expect(stdout).toContain("Usage: istio-teleport");
});
