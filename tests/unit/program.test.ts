import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { parse, parseAllDocuments } from "yaml";
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
  expect(wrong.stderr).toContain('--proxy-addr is "https://x"');
  await expect(stat(file)).rejects.toThrow("ENOENT");
});

test.each([
  ["https://teleport.example.com", "teleport.example.com:443"],
  ["https://teleport.example.com:3080/", "teleport.example.com:3080"],
  ["http://teleport.example.com", "teleport.example.com:80"],
  ["teleport.example.com", "teleport.example.com:443"],
  ["HTTP://[::1]:3080", "[::1]:3080"],
  ["https://a.example/web/login", "a.example:443"],
])("init --proxy-addr %s says the mend", async (address, mended) => {
  const made = await runCli("init", "--cluster-name", "a.example", "--proxy-addr", address, "--output", "-");
  expect(made).toMatchObject({ status: 1, stdout: "" });
  expect(made.stderr).toBe(
    `istio-teleport: --proxy-addr is "${address}"; give the host and the port of the Teleport Proxy Service, without a scheme: --proxy-addr ${mended}.\n`,
  );
  const again = await runCli("init", "--cluster-name", "a.example", "--proxy-addr", mended, "--output", "-");
  expect(parse(again.stdout).global.teleport.proxyAddr).toBe(mended);
});

test.each(["https://a.example", "https://a.example:443/", "a.example:443"])(
  "init --cluster-name %s says the mend",
  async (name) => {
    const made = await runCli("init", "--cluster-name", name, "--proxy-addr", "https://a.example", "--output", "-");
    expect(made).toMatchObject({ status: 1, stdout: "" });
    expect(made.stderr).toContain(
      `--cluster-name is "${name}"; give the name alone, as \`tctl status\` prints it: --cluster-name a.example.\n`,
    );
    expect(made.stderr).toContain('--proxy-addr is "https://a.example"');
  },
);

test("Helm's other flags for single values do as Helm's", async () => {
  const text = join(dir, "text.txt");
  await writeFile(text, "from-a-file");
  const rendered = await runCli(
    ...["render", "teleport", "-f", MINIMAL, "--set", "tbot.credentialTTL=2h"],
    ...["--set-string", "global.teleport.role.name=12", "--set-file", `global.teleport.bot.name=${text}`],
    ...["--set-json", 'global.teleport.workloadIdentity.labels={"env":"json"}'],
  );
  expect(rendered).toMatchObject({ status: 0, stderr: "" });
  const [role, bot, identity] = parseAllDocuments(rendered.stdout).map((document) => document.toJS());
  expect(role.metadata.name).toBe("12");
  expect(bot.metadata.name).toBe("from-a-file");
  expect(identity.metadata.labels).toMatchObject({ env: "json" });
  expect(identity.spec.spiffe.x509.maximum_ttl).toBe("7200s");
});

test("a misspelt caller is named with what was probably meant", async () => {
  const file = join(dir, "callers.yaml");
  const port = "{port: 80, targetPort: 8080, protocol: HTTP}";
  await writeFile(
    file,
    `global: {teleport: {clusterName: a.example, proxyAddr: "a.example:443"}}
mesh:
  gateways: {public: {namespace: ingress, serviceAccount: gateway}}
  applications:
    shop:
      namespace: shop
      services:
        front-end: {serviceAccount: front-end, labels: {app: front-end}}
        cart:
          serviceAccount: cart
          labels: {app: cart}
          ports: [${port}]
          callers: [{service: frontend}, {gateway: pubic}, {service: x, application: shp}, {service: elsewhere}]
`,
  );
  const { status, stderr } = await runCli("graph", "-f", file);
  expect(status).toBe(1);
  expect(stderr).toContain(
    '"frontend", which is no service of application shop: add it, or name one that is; did you mean front-end?',
  );
  expect(stderr).toContain('"pubic", which is not in mesh.gateways: add it, or name one that is; did you mean public?');
  expect(stderr).toContain('"shp", which is not in mesh.applications: add it, or name one that is; did you mean shop?');
  expect(stderr).toContain('"elsewhere", which is no service of application shop: add it, or name one that is.\n');
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
  [["render", "teleport", "-f", MINIMAL, "--kubeconfig", "x"], "--kubeconfig is for the join token's keys"],
  [["render", "teleport", "--with-token", "--jwks-file", "x", "--kubeconfig", "y"], "give one of them"],
  [["render", "teleport", "--with-token", "--jwks-file", "-", "-f", "-"], "can be read only once"],
  [["render", "teleport"], "global.teleport.clusterName is empty"],
  [["render", "istio", "-f", "nope.yaml"], "nope.yaml does not exist"],
  [["render", "istio", "--gateway", "--as", "istioctl"], "--gateway prints values for the chart istio/gateway"],
  [["render", "values", "-f", MINIMAL], "Name applications with --only, or with --without: one of the two"],
  [["render", "values", "--only", "a", "--without", "b"], "Name applications with --only, or with --without"],
  [["render", "values", "-f", MINIMAL, "--only", "shop"], '"shop" is not in mesh.applications: name one that is.'],
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

test.each([[[]], [["render"]]])("%j alone prints its help on stdout, and is no failure", async (args) => {
  const bare = await runCli(...args);
  expect(bare).toMatchObject({ status: 0, stderr: "" });
  expect(bare.stdout).toBe((await runCli(...args, "--help")).stdout);
  expect(bare.stdout).toContain(`Usage: ${["istio-teleport", ...args].join(" ")}`);
});

test("--verbose tells of each program on stderr, and stdout stays the same", async () => {
  const args = ["render", "teleport", "-f", MINIMAL];
  const quiet = await runCli(...args);
  const verbose = await runCli(...args, "--verbose");
  expect(quiet.stderr).toBe("");
  expect(verbose.stderr).toMatch(/^\d+\.\d\d s {2}helm template istio-teleport .+\n$/);
  expect(verbose.stdout).toBe(quiet.stdout);
});

test("--output - is stdout, as without the flag", async () => {
  const args = ["gen-token", "--type", "in_cluster"];
  expect(await runCli(...args, "--output", "-")).toEqual(await runCli(...args));
  expect((await runCli(...args, "--output", "-", "--force")).stderr).toContain("--force lets --output replace a file");
  const demo = await runCli("demo", "--output", "-");
  expect(demo).toMatchObject({ status: 1, stderr: expect.stringContaining("name a directory") });
});

test("--timeout is a duration", async () => {
  for (const command of ["install", "cleanup"]) {
    for (const wrong of ["300", "5", "2h", "0s", "soon"]) {
      const { status, stderr } = await runCli(command, "--timeout", wrong);
      expect(status).toBe(1);
      expect(stderr).toContain("Give a duration from 1s to 1h, such as 90s or 10m");
    }
    expect((await runCli(command, "--timeout", "10m", "-f", "nope.yaml")).stderr).toContain("nope.yaml does not exist");
  }
});

test("version prints what --version does", async () => {
  expect(await runCli("version")).toEqual(await runCli("--version"));
});

describe("completion", () => {
  /** What bash offers for a line, as its completion is called. */
  async function offered(...words: string[]): Promise<string[]> {
    const { stdout } = await runCli("completion", "bash");
    const script = `${stdout}\nCOMP_WORDS=(istio-teleport "$@"); COMP_CWORD=$#; _istio_teleport; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout: reply, stderr } = spawnSync("bash", ["-c", script, "bash", ...words], { encoding: "utf8" });
    expect(stderr).toBe("");
    return reply.split("\n").filter((word) => word !== "");
  }

  test("bash offers commands, flags and their choices", async () => {
    expect(await offered("re")).toEqual(["render", "report"]);
    expect(await offered("render", "")).toEqual(expect.arrayContaining(["teleport", "istio", "manifests"]));
    expect(await offered("graph", "le")).toEqual(["learn"]);
    expect(await offered("graph", "learn", "--with")).toEqual(["--with-methods", "--with-paths"]);
    expect(await offered("render", "teleport", "-f", "values.yaml", "--format", "")).toEqual([
      "yaml",
      "json",
      "operator",
      "terraform",
    ]);
    expect(await offered("doctor", "--verb")).toEqual(["--verbose"]);
    expect(await offered("completion", "")).toEqual(expect.arrayContaining(["bash", "zsh", "fish"]));
  });

  test.each(["bash", "zsh", "fish"])("%s names every command and flag", async (shell) => {
    const { stdout, stderr, status } = await runCli("completion", shell);
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
    for (const word of ["gen-token", "learn", "--extra-jwks", "--set-json", "terraform", "junit"]) {
      expect(stdout).toContain(word);
    }
    expect(stdout).toContain(`completion ${shell}`);
  });

  test("another shell is refused", async () => {
    expect((await runCli("completion", "tcsh")).stderr).toContain("Allowed choices are bash, zsh, fish");
  });
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
