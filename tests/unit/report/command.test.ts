import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { jsonText } from "../../../tools/doctor/reports/json-text.ts";
import type { ReportDocument } from "../../../tools/report/document.ts";
import { healthySnapshot } from "../doctor/healthy-snapshot.ts";
import { reportOf, TEST_APP_GRAPH } from "../support/report-document.ts";
import { runCli } from "../support/run-cli.ts";

/** `istio-teleport report` as a user runs it, from saved reports. */

let dir: string;
let saved: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), "report-test-"));
  saved = await save("saved.json", reportOf(healthySnapshot(), TEST_APP_GRAPH));
});
afterEach(() => {
  process.exitCode = undefined;
  process.stdout.removeAllListeners("error");
});
afterAll(() => rm(dir, { recursive: true }));

async function save(name: string, report: object): Promise<string> {
  const file = join(dir, name);
  await writeFile(file, jsonText(report));
  return file;
}

const run = (...args: string[]) => runCli("report", ...args);

it("writes the page of a saved report, and ends as doctor would", async () => {
  const output = join(dir, "report.html");
  expect(await run("--from", saved, "--output", output)).toEqual({ status: 1, stdout: "", stderr: "" });
  const page = await readFile(output, "utf8");
  expect(page).toMatch(/^<!doctype html>\n/);
  expect([...page.matchAll(/<section id="(\w+)"/g)].map(([, id]) => id)).toEqual([
    "summary",
    "health",
    "layers",
    "identities",
    "calls",
    "versions",
  ]);
  expect(page).toContain("spiffe://lab.teleport.example/ns/test-app/sa/server");
  expect(page).toContain("missing: allow-server");
  expect((await stat(output)).mode & 0o777).toBe(0o600);
  expect((await run("--from", saved, "--output", output)).stderr).toContain("already exists");
});

it("prints the same document again as JSON, with what changed", async () => {
  const again = await run("--from", saved, "--format", "json");
  expect(again.stdout).toBe(await readFile(saved, "utf8"));
  const old = await save("old.json", reportOf(healthySnapshot()));
  const compared = await run("--from", saved, "--against", old, "--format", "json");
  const { changes } = JSON.parse(compared.stdout) as ReportDocument;
  expect(changes?.permissions).toEqual([{ kind: "added", what: "the graph", detail: "Stated by a test." }]);
  const page = await run("--from", saved, "--against", old);
  expect(page.stdout).toContain("What changed");
});

it.each([
  [["--from", "nope.json"], "--from nope.json could not be read (ENOENT); name a readable file, or - for stdin."],
  [["--from", "SAVED", "-f", "values.yaml"], "--from shows a saved report as it is: leave out -f, or --from."],
  [["--from", "SAVED", "--context", "a"], "--from shows a saved report as it is: leave out --context, or --from."],
  [["--from", "-", "--against", "-"], "--from - and --against - both read stdin"],
  [["--from", "SAVED", "--force"], "--force lets --output replace a file: add --output or leave it out."],
])("%j is refused in one sentence, with nothing on stdout", async (args, sentence) => {
  const { status, stdout, stderr } = await run(...args.map((arg) => (arg === "SAVED" ? saved : arg)));
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(sentence);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});

it.each<[string, (report: ReportDocument) => object, string]>([
  ["doctor's JSON", () => ({ schemaVersion: 1, checks: [] }), "is not a saved report"],
  [
    "a newer one",
    (report) => ({ ...report, schemaVersion: 2 }),
    "has schemaVersion 2, and this istio-teleport reads 1",
  ],
  ["a wrong type", (report) => ({ ...report, exitCode: "1" }), 'exitCode is "1"'],
  ["an unknown key", (report) => ({ ...report, layer: [] }), "layer is not allowed there; did you mean layers"],
  [
    "an edge to nobody",
    (report) => ({ ...report, graph: { ...report.graph, applications: [] } }),
    'an edge of its graph names "tests/allowed-client", which the graph does not have',
  ],
])("%s is no report to show", async (name, change, sentence) => {
  const file = await save(`${name}.json`, change(reportOf(healthySnapshot(), TEST_APP_GRAPH)));
  const { status, stdout, stderr } = await run("--from", file);
  expect({ status, stdout }).toEqual({ status: 1, stdout: "" });
  expect(stderr).toContain(sentence);
});
