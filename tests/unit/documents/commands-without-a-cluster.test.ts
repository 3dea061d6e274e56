import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { shellBlock } from "../../../scripts/shell-blocks/blocks.ts";
import { systemRunner } from "../../../tools/programs/system-runner.ts";
import { repositoryPath } from "../../support/run-helm.ts";
import { logLine } from "../support/access-log-lines.ts";

/** Blocks of pages that need no cluster, run as they are in a user's folder, with the compiled bins and real Helm. */

const POLICIES = readFileSync(repositoryPath("docs/operate/policies.md"), "utf8");
const [, GRAPH = "", TABLE = ""] = /```yaml\n(.*?)```.*?```text\n(.*?)```/s.exec(POLICIES) ?? [];

let folder: string;
let values: string;
const prometheus = createServer((request, response) => {
  const kind = request.url?.includes("tcp") ? "tcp" : "requests";
  response.end(
    request.headers.authorization === "Bearer secret"
      ? readFileSync(repositoryPath(`tests/unit/graph/learn/fixtures/prometheus-${kind}.json`))
      : "{}",
  );
});

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "documented-"));
  mkdirSync(join(folder, "node_modules", ".bin"), { recursive: true });
  // What npm makes of the package's bin.
  symlinkSync(repositoryPath("bin/istio-teleport.js"), join(folder, "node_modules", ".bin", "istio-teleport"));
  await run(shellBlock("docs/start/quick-start.md#init"), "");
  values = `${read("values.yaml")}${GRAPH}`;
  await new Promise<void>((resolve) => prometheus.listen(0, "127.0.0.1", resolve));
});
beforeEach(() => write("values.yaml", values));
afterAll(() => {
  prometheus.close();
  rmSync(folder, { recursive: true });
});

const read = (file: string) => readFileSync(join(folder, file), "utf8");
const write = (file: string, text: string) => writeFileSync(join(folder, file), text);

/** npx runs what is in node_modules/.bin. It takes longer for that than the command, so only the first block has the real one. */
const NPX = 'npx() { "$@"; }';

/** Runs a script as a user types it, and returns what it left. Who runs the tests by `npm exec` has told npx what to run. */
async function tryRun(script: string, npx = NPX) {
  const line = `unset \${!npm_config_@} && cd '${folder}' && export PATH="$PWD/node_modules/.bin:$PATH" && set -e\n${npx}\n${script}`;
  const { code, stdout, stderr } = await systemRunner.run(
    { program: "bash", args: ["-o", "pipefail", "-c", line] },
    { purpose: "run a block" },
  );
  return { code, stdout: stdout.toString(), stderr };
}

async function run(script: string, npx?: string): Promise<string> {
  const { code, stdout, stderr } = await tryRun(script, npx);
  expect(code, `${script}\n${stderr}`).toBe(0);
  return stdout;
}

test("the graph of the page's values is the page's table", async () => {
  expect(await run(shellBlock("docs/operate/policies.md#graph"))).toBe(TABLE);
});

test("a pipeline shows what a change of the values permits and denies, and stops for wrong values", async () => {
  const git = "git -c user.name=a -c user.email=a@example.com";
  await run(
    `git init -q . && git add values.yaml && ${git} commit -qm before && git update-ref refs/remotes/origin/main HEAD`,
  );
  const pipeline = shellBlock("docs/operate/policies.md#pipeline");
  write("before.yaml", values);
  expect(await run(pipeline)).toBe("");
  write("values.yaml", values.replace("methods: [GET]", "methods: [GET, POST]"));
  const shown = await tryRun(shellBlock("docs/operate/policies.md#diff"));
  expect(shown).toMatchObject({ code: 3, stdout: expect.stringMatching(/gained +shop\/front-end .*POST/) });
  expect(await run(pipeline)).toBe(shown.stdout);
  write("values.yaml", values.replace("callers:", "caller:"));
  expect(await tryRun(pipeline)).toMatchObject({ code: 1, stderr: expect.stringContaining("did you mean") });
});

test("what was learned is compared with the values", async () => {
  const line = logLine({ to: "catalogue", from: "front-end", port: 8080, method: "GET" });
  write("access.log", `${line.replaceAll("a.example", "example.teleport.sh")}\n`);
  await run("npx istio-teleport graph learn -f values.yaml --log access.log > learned.yaml");
  const compared = await tryRun(shellBlock("docs/operate/policies.md#learned-diff"));
  expect(compared).toMatchObject({
    code: 3,
    stdout: expect.stringMatching(/^lost +gateway public .* shop\/front-end /m),
  });
});

test("metrics are asked for with the headers of a file", async () => {
  write("header.txt", "Authorization: Bearer secret\n");
  const { port } = prometheus.address() as AddressInfo;
  const block = shellBlock("docs/operate/policies.md#prometheus");
  const learned = await run(
    block
      .replace("https://prometheus.example.com", `http://127.0.0.1:${port}`)
      .replace("values.yaml", `'${repositoryPath("chart/ci/sock-shop-values.yaml")}'`),
  );
  expect(learned).toContain("callers:");
});

test("istiod's values are the same from Helm and from the CLI, and a gateway's name both templates", async () => {
  const withoutNode = shellBlock("docs/start/installation.md#without-node");
  await run(withoutNode.replace(" istio-teleport/istio-teleport ", ` '${repositoryPath("chart")}' `));
  const values = read("istiod-values.yaml").replace(/^---\n# Source: .*\n/, "");
  expect(await run("npx istio-teleport render istio -f values.yaml")).toBe(values);
  await run(shellBlock("docs/start/installation.md#gateway"));
  expect(read("gateway-values.yaml")).toContain('inject.istio.io/templates: "gateway,teleport"');
});

test("bash completes the commands", async () => {
  const completion = shellBlock("docs/reference/cli.md#completion");
  expect(await run(`${completion}\ncomplete -p istio-teleport`)).toMatch(/^complete .* istio-teleport\n$/);
});
