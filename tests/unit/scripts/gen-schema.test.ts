import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { beforeAll, describe, expect, test } from "vitest";
import { generate } from "../../../scripts/gen-schema/generate.ts";
import { readValueNodes } from "../../../scripts/gen-schema/values-comments.ts";

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), "utf8");

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
  # Things by name.
  # @schema
  # additionalProperties:
  #   title: Thing
  #   description: A thing.
  #   type: object
  #   required: [size]
  #   additionalProperties: false
  #   properties:
  #     size: {description: How big., type: integer}
  #     color: {description: Which color., type: string, default: red}
  #     parts:
  #       description: What it is made of.
  #       type: array
  #       items:
  #         title: Part
  #         type: object
  #         properties: {name: {description: Its name., type: string}}
  things: {}
  # The first part.
  # @schema {items: {$ref: "#/definitions/Part"}}
  first: []
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
  [
    {
      a: { count: 1, labels: { any: "x" } },
      sub: { enabled: false, names: ["n"], things: { x: { size: 1 } }, first: [] },
    },
    true,
  ],
  [{ a: { count: 1, labels: {} }, sub: { enabled: false, names: [], things: {}, first: [], global: {} } }, true],
  [{ a: { count: 1, labels: {} }, sub: { enabled: false, names: [], things: { x: {} }, first: [] } }, false],
  [{ a: { count: 0, labels: {} }, sub: { enabled: false, names: [], things: {}, first: [] } }, false],
  [{ a: { count: 1, labels: { any: 1 } }, sub: { enabled: false, names: [], things: {}, first: [] } }, false],
  [{ a: { count: 1, labels: {}, global: {} }, sub: { enabled: false, names: [], things: {}, first: [] } }, false],
  [{ a: { count: 1, labels: {} }, sub: { enabled: false } }, false],
  [{ a: { count: 1, labels: {} }, sub: { enabled: false, names: [] }, x: 1 }, false],
])("the schema takes %j: %s", (values, expected) => {
  const schema = JSON.parse(files.get("chart/values.schema.json") ?? "");
  expect(new Ajv().validate(schema, values)).toBe(expected);
});

test("a schema with a title is a definition, and a TypeScript type", () => {
  const { properties, definitions } = JSON.parse(files.get("chart/values.schema.json") ?? "");
  expect(properties.sub.properties.things.additionalProperties).toEqual({ $ref: "#/definitions/Thing" });
  expect(properties.sub.properties.first.items).toEqual({ $ref: "#/definitions/Part" });
  expect(Object.keys(definitions).toSorted()).toEqual(["Part", "Thing"]);
  expect(definitions.Thing).toMatchObject({ required: ["size"], additionalProperties: false });
  expect(definitions.Thing.properties.parts.items).toEqual({ $ref: "#/definitions/Part" });
  const types = files.get("tools/values/types.ts");
  for (const text of ["export interface Thing {", "color?: string;", "parts?: Part[];", "first: Part[];"]) {
    expect(types).toContain(text);
  }
});

test("the types have every key, and no global in a subchart", () => {
  const types = files.get("tools/values/types.ts");
  expect(types).toContain("count: number;");
  expect(types).toContain("names: string[];");
  expect(types).not.toContain("global");
});

test("the reference has a row for each leaf, with | escaped", () => {
  const reference = files.get("docs/reference/values.md");
  expect(reference).toContain("| `a.count` | integer, at least 1 | `2` | Number of things. |");
  expect(reference).toContain('| `a.labels` | map of strings | `{"env":"dev"}` | Labels \\| of the thing. |');
  for (const row of [
    "| `sub.things` | map of things | `{}` | Things by name. |",
    "| `sub.things.<thing>.size` | integer | required | How big. |",
    '| `sub.things.<thing>.color` | string | `"red"` | Which color. |',
    "| `sub.things.<thing>.parts[].name` | string |  | Its name. |",
    "| `sub.first` | list of parts | `[]` | The first part. |",
  ]) {
    expect(reference).toContain(row);
  }
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
  ["# X.\n# @schema\n# enum: [\na: 1\n", "the @schema annotation of a is not YAML"],
])("%j is refused", (text, sentence) => {
  expect(() => readValueNodes(text)).toThrow(sentence);
});

test.each([
  ["{title: T, properties: {a: {type: string}}}", "a of T has no description"],
  ["{items: {title: T}, additionalProperties: {title: T}}", "two schemas have the title T"],
])("the nested schema %s is refused", async (schema, sentence) => {
  const text = `# X.\n# @schema {additionalProperties: ${schema}}\na: {}\n`;
  await expect(generate(text, CHART)).rejects.toThrow(sentence);
});

describe("types of the Kubernetes API", () => {
  const refers = (type: string, fallback: string) =>
    generate(`# X.\n# @schema {$ref: "#/definitions/Kubernetes.${type}"}\na: ${fallback}\n`, CHART);

  test("are in the schema with all that they refer to, in the types as any map, in the reference by name", async () => {
    const made = await refers("NodeAffinity", "{requiredDuringSchedulingIgnoredDuringExecution: null}");
    const { properties, definitions } = JSON.parse(made.get("chart/values.schema.json") ?? "");
    expect(properties.a.$ref).toBe("#/definitions/Kubernetes.NodeAffinity");
    expect(properties.a.type).toBeUndefined();
    expect(Object.keys(definitions).toSorted()).toEqual([
      "Kubernetes.NodeAffinity",
      "Kubernetes.NodeSelector",
      "Kubernetes.NodeSelectorRequirement",
      "Kubernetes.NodeSelectorTerm",
      "Kubernetes.PreferredSchedulingTerm",
    ]);
    expect(definitions["Kubernetes.NodeSelectorRequirement"]).toMatchObject({
      required: ["key", "operator"],
      properties: { operator: { enum: ["DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn"] } },
      additionalProperties: false,
    });
    expect(made.get("tools/values/types.ts")).not.toContain("NodeSelector");
    expect(made.get("docs/reference/values.md")).toContain("| `a` | Kubernetes NodeAffinity |");
  });

  test("that nobody extracted are a mistake", async () => {
    await expect(refers("Podd", "{}")).rejects.toThrow("kubernetes-types.json has no Podd");
  });
});

test("a block of comment with a blank line below it describes no key", () => {
  expect(readValueNodes("# Head of the file.\n\n# First.\na: 1\n")).toMatchObject([{ description: "First." }]);
});
