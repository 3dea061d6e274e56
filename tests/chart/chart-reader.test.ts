import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Ajv } from "ajv";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { readValueNodes } from "../../scripts/gen-schema/values-comments.ts";
import { repositoryPath, runHelm } from "../support/run-helm.ts";
import { leavesOf } from "./support/perturb.ts";

/** What somebody sees who has only the packed chart: Helm's `show`, and so Artifact Hub. */

const README = readFileSync(repositoryPath("chart/README.md"), "utf8");
const VALUES = readFileSync(repositoryPath("chart/values.yaml"), "utf8");
const LEAVES = leavesOf(readValueNodes(VALUES));
const EXAMPLES = [...README.matchAll(/^```yaml\n([\s\S]*?)^```$/gm)].map(([, text = ""]) => text);

let folder: string;
let archive: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "chart-reader-"));
  await runHelm(["package", repositoryPath("chart"), "--destination", folder]);
  const [name = ""] = readdirSync(folder);
  archive = join(folder, name);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe("helm show", () => {
  it("readme has the install commands, and a row for each value", async () => {
    const shown = await runHelm(["show", "readme", archive]);
    expect(shown.trim()).toBe(README.trim());
    expect(shown).toContain("helm upgrade --install istio-teleport istio-teleport/istio-teleport -n teleport-system");
    expect(shown).toContain("npx istio-teleport install -f values.yaml");
    expect(LEAVES.filter(({ path }) => !shown.includes(`| \`${path}\` |`)).map(({ path }) => path)).toEqual([]);
    expect(LEAVES.length).toBeGreaterThan(100);
  });

  it("readme leads nowhere that is not in the package or on the web", () => {
    const links = [...README.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = ""]) => link);
    const paths = links.filter((link) => !link.startsWith("https://")).filter((link) => !link.includes("["));
    expect(paths.filter((link) => link.includes("/") || link.endsWith(".md"))).toEqual([]);
    for (const [, path] of README.matchAll(/\/blob\/main\/([\w/.-]+\.md)/g)) {
      expect(readFileSync(repositoryPath(path ?? ""), "utf8")).toMatch(/^# /);
    }
  });

  it("values is the commented file", async () => {
    expect((await runHelm(["show", "values", archive])).trim()).toBe(VALUES.trim());
  });
});

describe("the examples of the README", () => {
  const examples = EXAMPLES.map((text) => parse(text) as unknown);

  it("show each structured value that has no default to look at", () => {
    const structured = LEAVES.filter(
      ({ schema }) => schema.$ref !== undefined || /array|object/.test(String(schema.type)),
    );
    const bare = structured.filter(({ schema }) => Object.keys(schema.default as object).length === 0);
    expect(bare.length).toBeGreaterThan(20);
    expect(bare.map(({ path }) => path).filter((path) => !examples.some((example) => isSet(example, path)))).toEqual(
      [],
    );
  });

  it("are each accepted by the schema", () => {
    const schema = JSON.parse(readFileSync(repositoryPath("chart/values.schema.json"), "utf8")) as object;
    // Each is a part of a values file; what a file must have is Helm's to say, below.
    const validate = new Ajv({ strict: false, allErrors: true }).compile(schema);
    for (const example of examples) {
      validate(example);
      expect((validate.errors ?? []).filter(({ keyword }) => keyword !== "required")).toEqual([]);
    }
  });

  it("render together", async () => {
    const files = EXAMPLES.map((text, index) => {
      const file = join(folder, `${index}.yaml`);
      writeFileSync(file, text);
      return file;
    });
    const manifests = await runHelm([
      ...["template", "istio-teleport", archive, "--namespace", "teleport-system", "--kube-version", "1.33.0"],
      ...files.flatMap((file) => ["--values", file]),
    ]);
    expect(manifests).toContain("kind: DaemonSet");
    expect(manifests).toContain("example.teleport.sh/ns/istio-ingress/sa/public-gateway");
  });
});

/** Whether values set the key of a dotted path. */
function isSet(values: unknown, path: string): boolean {
  const found = path
    .split(".")
    .reduce<unknown>((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], values);
  return found !== undefined;
}
