import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { beforeAll, expect, test } from "vitest";
import { generate } from "../../tools/gen-schema/generate.ts";
import { readValueNodes } from "../../tools/gen-schema/values-comments.ts";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

const SOURCE = `# Head of the file.

a:
  # Number of things.
  # @schema {minimum: 1}
  count: 2
  # Labels | of the
  # thing.
  # @schema {additionalProperties: {type: string}}
  labels: {env: dev}
# A section.
sub:
  # On or off.
  enabled: true
  # Names.
  # @schema {items: {type: string}}
  names: []
`;
const CHART = "dependencies: [{name: long-name, alias: sub}]";

let files: Map<string, string>;
beforeAll(async () => {
  files = await generate(SOURCE, CHART);
});

test("the committed files are what chart/values.yaml generates", async () => {
  const generated = await generate(read("chart/values.yaml"), read("chart/Chart.yaml"));
  for (const [path, content] of generated) expect(read(path), path).toBe(content);
});

test("types, descriptions and defaults come from the commented file", () => {
  const { properties, required } = JSON.parse(files.get("chart/values.schema.json") ?? "");
  expect(required).toEqual(["a", "sub"]);
  expect(properties.a.properties.count).toEqual({
    description: "Number of things.",
    type: "integer",
    minimum: 1,
    default: 2,
  });
  expect(properties.a.properties.labels).toMatchObject({ type: "object", default: { env: "dev" } });
  expect(properties.sub).toMatchObject({ description: "A section.", type: "object", additionalProperties: false });
});

test.each([
  [{ a: { count: 1, labels: { any: "x" } }, sub: { enabled: false, names: ["n"] } }, true],
  [{ a: { count: 1, labels: {} }, sub: { enabled: false, names: [], global: {} } }, true],
  [{ a: { count: 0, labels: {} }, sub: { enabled: false, names: [] } }, false],
  [{ a: { count: 1, labels: { any: 1 } }, sub: { enabled: false, names: [] } }, false],
  [{ a: { count: 1, labels: {}, global: {} }, sub: { enabled: false, names: [] } }, false],
  [{ a: { count: 1, labels: {} }, sub: { enabled: false } }, false],
  [{ a: { count: 1, labels: {} }, sub: { enabled: false, names: [] }, x: 1 }, false],
])("the schema takes %j: %s", (values, expected) => {
  const schema = JSON.parse(files.get("chart/values.schema.json") ?? "");
  expect(new Ajv().validate(schema, values)).toBe(expected);
});

test("the types have every key, and no global in a subchart", () => {
  const types = files.get("tools/lib/values-types.ts");
  expect(types).toContain("count: number;");
  expect(types).toContain("names: string[];");
  expect(types).not.toContain("global");
});

test("the reference has a row for each leaf, with | escaped", () => {
  const reference = files.get("docs/values.md");
  expect(reference).toContain("| `a.count` | integer, at least 1 | `2` | Number of things. |");
  expect(reference).toContain('| `a.labels` | map of strings | `{"env":"dev"}` | Labels \\| of the thing. |');
  expect(reference).toContain("## sub\n\nA section.\n");
});

test.each([
  ["a:\n  b: 1\n", "a.b has no description"],
  ["# List.\na: []\n", "a is a list; say what it holds"],
  ["# Map.\na: {}\n", "a is an empty map; say what it holds"],
  ["# Null.\na: null\n", "a is null; name its type"],
  ["# X.\n# @schema {type: [\na: 1\n", "the @schema annotation of a is not YAML"],
  ["# X.\n# @schema 3\na: 1\n", "the @schema annotation of a must be a map"],
  ["# X.\na: 1\n# X.\na: 2\n", "Map keys must be unique"],
  ["- 1\n", "must be a map"],
])("%j is refused", (text, sentence) => {
  expect(() => readValueNodes(text)).toThrow(sentence);
});
