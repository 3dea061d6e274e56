import { compile } from "json-schema-to-typescript";
import { parse } from "yaml";
import { withDefinitions } from "./definitions.ts";
import { withKubernetesTypes, withoutKubernetesTypes } from "./kubernetes-types.ts";
import { type JsonSchema, readValueNodes, type ValueNode } from "./values-comments.ts";
import { valuesReference } from "./values-reference.ts";

/** The generated files: path below the repository's root → content. */
export async function generate(valuesText: string, chartText: string): Promise<Map<string, string>> {
  const nodes = readValueNodes(valuesText);
  const subcharts = subchartKeys(chartText);
  return new Map([
    ["chart/values.schema.json", `${JSON.stringify(schemaOf(nodes, subcharts), null, 2)}\n`],
    ["tools/values/types.ts", await typesOf(nodes)],
    ["docs/reference/values.md", valuesReference(nodes)],
  ]);
}

/** Keys of values.yaml that go to a subchart: the alias or name of each dependency in Chart.yaml. */
function subchartKeys(chartText: string): Set<string> {
  const chart = parse(chartText) as { dependencies?: { name: string; alias?: string }[] };
  return new Set((chart.dependencies ?? []).map(({ name, alias }) => alias ?? name));
}

function schemaOf(nodes: ValueNode[], subcharts: Set<string>): JsonSchema {
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    $comment: "Generated from chart/values.yaml by npm run gen-schema; do not edit.",
    title: "Values of the chart istio-teleport",
    ...withKubernetesTypes(withDefinitions(withForeignKeys(objectSchema(nodes, subcharts)))),
  };
}

/**
 * What else may stand in values though no template of ours reads it: keys for YAML anchors (`x-…`), and under `global`
 * whatever other charts of a parent chart read. A key there that is one slip away from ours is a mistake.
 */
function withForeignKeys(root: JsonSchema): JsonSchema {
  const properties = root.properties as Record<string, JsonSchema>;
  const foreign = { patternProperties: { [oneSlipFrom("teleport")]: false }, additionalProperties: true };
  const global = properties.global && { global: { ...properties.global, ...foreign } };
  return { ...root, properties: { ...properties, ...global }, patternProperties: { "^x-": true } };
}

/** A pattern of the words that a missing, additional, other or swapped letter makes of one, but not of that word. */
function oneSlipFrom(word: string): string {
  const slips = [...word].flatMap((letter, index) => {
    const [before, after] = [word.slice(0, index), word.slice(index + 1)];
    const next = after.slice(0, 1);
    return [
      `${before}${after}`,
      `${before}[^${letter}]${after}`,
      `${before}.${letter}${after}`,
      `${before}${next}${letter}${after.slice(1)}`,
    ];
  });
  return `^(${[...new Set([...slips, `${word}.`])].filter((slip) => slip !== word).join("|")})$`;
}

function nodeSchema(node: ValueNode, subcharts: Set<string>): JsonSchema {
  const described = node.description === "" ? {} : { description: node.description };
  if (!node.children) return { ...described, ...node.schema };
  const section = objectSchema(node.children, new Set());
  if (subcharts.has(node.key)) {
    // Helm copies the parent's `global` into the values of every subchart before it validates them.
    (section.properties as JsonSchema).global = { type: "object" };
  }
  return { ...described, ...section, ...node.schema };
}

function objectSchema(nodes: ValueNode[], subcharts: Set<string>): JsonSchema {
  return {
    type: "object",
    // Required although every value has a default: `null` in a user's file makes Helm delete the key.
    required: nodes.map(({ key }) => key),
    properties: Object.fromEntries(nodes.map((node) => [node.key, nodeSchema(node, subcharts)])),
    additionalProperties: false,
  };
}

async function typesOf(nodes: ValueNode[]): Promise<string> {
  const schema = {
    ...withoutKubernetesTypes(withDefinitions(objectSchema(nodes, new Set()))),
    description: "The chart's values after Helm's merge.",
  };
  return compile(schema, "Values", {
    bannerComment: "// Generated from chart/values.yaml by npm run gen-schema; do not edit.",
    style: { printWidth: 120 },
    additionalProperties: false,
    // A list of at least one is an ordinary array in TypeScript: the schema checks its length.
    ignoreMinAndMaxItems: true,
  });
}

/** The types of a report, from the schema that docs/reference publishes. */
export async function reportTypes(schema: JsonSchema): Promise<string> {
  const own = { ...schema, title: "ReportDocument", description: "What `istio-teleport report` found." };
  return compile(own, "ReportDocument", {
    bannerComment: "// Generated from docs/reference/report.schema.json by npm run gen-schema; do not edit.",
    style: { printWidth: 120 },
  });
}
