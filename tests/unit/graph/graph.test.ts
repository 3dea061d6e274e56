import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest";
import { repositoryPath } from "../../support/run-helm.ts";
import { runCli } from "../support/run-cli.ts";

/** `istio-teleport graph` as a user runs it. */

// Each runs Helm, on a machine that may be busy.
vi.setConfig({ testTimeout: 30_000 });

const GRAPH = repositoryPath("chart/ci/graph-values.yaml");
const MINIMAL = repositoryPath("chart/ci/minimal-values.yaml");

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "graph-test-"));
});
afterEach(() => {
  process.exitCode = undefined;
  process.stdout.removeAllListeners("error");
});
afterAll(() => rm(dir, { recursive: true }));

const run = (...args: string[]) => runCli("graph", ...args);

test("the table is the default, of the applications that are asked for", async () => {
  const all = await run("-f", GRAPH);
  expect(all).toMatchObject({ status: 0, stderr: "" });
  expect(all.stdout.match(/^\S.*: namespace/gm)).toHaveLength(4);
  const one = await run("-f", GRAPH, "--application", "shop", "--principals");
  expect(one.stdout.match(/^\S.*: namespace/gm)).toEqual(["shop: namespace"]);
  expect(one.stdout).toMatch(/office\/audit .* example\.teleport\.sh\/ns\/office\/sa\/audit$/m);
});

test("pictures and JSON are of the same graph, callers from outside of the chosen applications included", async () => {
  const chosen = ["-f", GRAPH, "--application", "shop", "--format"];
  const mermaid = await run(...chosen, "mermaid");
  expect(mermaid.stdout).toContain('(["office/billing<br>sa billing"])');
  expect(mermaid.stdout).not.toContain("application.office");
  const svg = await run(...chosen, "svg");
  expect(svg.stdout).toMatch(/^<svg [\s\S]*>office\/billing<[\s\S]*<\/svg>\n$/);
  const page = await run(...chosen, "html");
  expect(page.stdout).toMatch(/^<!doctype html>[\s\S]*office\/billing[\s\S]*<\/html>\n$/);
  const json = JSON.parse((await run(...chosen, "json")).stdout);
  expect(json.applications).toHaveLength(1);
  expect(json.edges).toHaveLength(8);
});

test("the picture in docs/start/sock-shop-demo.md is that of the chart's Sock Shop", async () => {
  const { stdout } = await run("-f", repositoryPath("chart/ci/sock-shop-values.yaml"), "--format", "svg");
  expect(stdout).toBe(await readFile(repositoryPath("docs/start/sock-shop.svg"), "utf8"));
});

test("`graph learn` has flags of its own, also those of the same names", async () => {
  const { status, stdout, stderr } = await run("learn", "-f", "nope.yaml", "--log", GRAPH);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain("nope.yaml does not exist");
});

test("--output writes the file and nothing else, and replaces none unasked", async () => {
  const file = join(dir, "graph.svg");
  expect(await run("-f", GRAPH, "--format", "svg", "--output", file)).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(await readFile(file, "utf8")).toMatch(/^<svg /);
  const again = await run("-f", GRAPH, "--output", file);
  expect(again).toMatchObject({
    status: 1,
    stdout: "",
    stderr: expect.stringContaining("already exists; replace it with --force"),
  });
  expect((await run("-f", GRAPH, "--output", file, "--force")).status).toBe(0);
  expect(await readFile(file, "utf8")).toMatch(/^closed: namespace closed/);
});

test("--diff ends with exit code 3 for a difference, 0 for none, whatever the format", async () => {
  const changed = join(dir, "changed.yaml");
  await writeFile(changed, (await readFile(GRAPH, "utf8")).replace("- { service: web }", "- { service: batch }"));
  const table = await run("--diff", GRAPH, changed);
  expect(table).toMatchObject({ status: 3, stderr: "" });
  expect(table.stdout).toMatch(/^gained {2}shop\/batch +→ {2}shop\/orders +80→8080 HTTP +any +any$/m);
  expect(table.stdout).toMatch(/^lost {4}shop\/web +→ {2}shop\/orders +50051 GRPC +any +any$/m);
  const json = await run("--diff", GRAPH, changed, "--format", "json");
  expect(json.status).toBe(3);
  const { gained, lost, modes } = JSON.parse(json.stdout);
  expect({ gained: gained.length, lost: lost.length, modes }).toEqual({ gained: 2, lost: 2, modes: [] });
  expect(gained[0]).toEqual({
    from: { kind: "service", label: "shop/batch", principal: "example.teleport.sh/ns/shop/sa/batch" },
    to: { label: "shop/orders", application: "shop", service: "orders" },
    port: { port: 80, targetPort: 8080, protocol: "HTTP" },
    rest: [],
  });
  expect(await run("--diff", GRAPH, GRAPH)).toMatchObject({ status: 0, stderr: "" });
});

test("--diff says which of the two files is refused", async () => {
  const wrong = join(dir, "wrong.yaml");
  await writeFile(wrong, (await readFile(GRAPH, "utf8")).replace("service: web", "service: wbe"));
  const { status, stdout, stderr } = await run("--diff", GRAPH, wrong);
  expect([status, stdout]).toEqual([1, ""]);
  expect(stderr).toContain(`${wrong}: mesh.applications.shop.services.orders.callers[0].service is "wbe"`);
});

test("--diff reads each file after those of -f", async () => {
  const [before, after] = [join(dir, "before.yaml"), join(dir, "after.yaml")];
  await writeFile(before, "{}\n");
  await writeFile(after, "mesh: {applications: {office: {mode: enforce}}}\n");
  const { status, stdout } = await run("-f", GRAPH, "--diff", before, after);
  expect(status).toBe(3);
  expect(stdout).toBe("namespace office (office): dryRun → enforce: only these calls pass\n");
});

test.each([
  [["-f", MINIMAL], "There is no graph to show: set mesh.applications or sockShop.enabled"],
  [["-f", GRAPH, "--application", "ofice"], "--application ofice is not in the values; did you mean office."],
  [["-f", GRAPH, "--application", "x"], "--application x is not in the values; they have closed, office, open, shop."],
  [["-f", GRAPH, "--format", "dot"], "argument 'dot' is invalid. Allowed choices are table, mermaid, svg, html, json"],
  [["-f", GRAPH, "--format", "svg", "--principals"], "--principals is for the table"],
  [["-f", GRAPH, "--force"], "add --output or leave it out"],
  [["--diff", GRAPH], "--diff compares two values files, before and after, and 1 is given: name two."],
  [["--diff", GRAPH, GRAPH, GRAPH], "and 3 is given"],
  [["--diff", GRAPH, GRAPH, "--format", "svg"], "--diff prints a table or json, not svg"],
  [["--diff", GRAPH, GRAPH, "--application", "shop"], "--diff compares whole graphs: leave out --application."],
  [["-f", "-", "--diff", GRAPH, GRAPH], "stdin, which can be read only once"],
  [["--diff", "-", "-"], "stdin, which can be read only once"],
  [["--diff", GRAPH, "nope.yaml"], "nope.yaml does not exist"],
])("%j is refused in one line, with nothing on stdout", async (args, sentence) => {
  const { status, stdout, stderr } = await run(...args);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(sentence);
  expect(stderr).toMatch(/^istio-teleport: .*\n$/);
});

test.each([
  ["mermaid", 101, "Mermaid draws at most 500"],
  ["svg", 201, "a picture holds at most 1000"],
])("a graph that is too large for %s is refused, and the table shows it", async (format, services, sentence) => {
  const large = join(dir, `${format}.yaml`);
  const names = Array.from({ length: services }, (_, index) => `s${index}`);
  const callers = [0, 1, 2, 3, 4].map((index) => `{service: s${index}}`).join(", ");
  const lines = names.map(
    (name) =>
      `        ${name}: {labels: {app: ${name}}, serviceAccount: ${name}, ports: [{port: 80, protocol: HTTP}], callers: [${callers}]}`,
  );
  await writeFile(
    large,
    `mesh:\n  applications:\n    big:\n      namespace: big\n      services:\n${lines.join("\n")}\n`,
  );
  const { status, stdout, stderr } = await run("-f", MINIMAL, "-f", large, "--format", format);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(`The graph has ${5 * services} callers, and ${sentence}: choose applications`);
  expect((await run("-f", MINIMAL, "-f", large)).stdout.split("\n").length).toBeGreaterThan(5 * services);
});
