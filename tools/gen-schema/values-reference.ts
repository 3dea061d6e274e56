import type { JsonSchema, ValueNode } from "./values-comments.ts";

/** docs/values.md: every value with type, default and description, one table for each top-level key. */
export function valuesReference(nodes: ValueNode[]): string {
  const sections = nodes.map((node) => section(node));
  return `<!-- Generated from chart/values.yaml by npm run gen-schema; do not edit. -->

# Values

Every value of the chart. Set them in a file (\`-f values.yaml\`) or with \`--set path=value\`; the same files serve Helm
and the commands of \`istio-teleport\`. Unknown keys are refused by both. To have a
default leave the key out: \`null\` deletes a key, stays null or is ignored by Helm depending on where it stands, and is
refused wherever it cannot be meant.

${sections.join("\n")}`;
}

function section(node: ValueNode): string {
  const rows = leaves(node).map(
    ({ path, schema, description }) =>
      `| ${code(path)} | ${typeCell(schema)} | ${code(JSON.stringify(schema.default))} | ${cell(description)} |`,
  );
  const intro = node.children && node.description !== "" ? `${node.description}\n\n` : "";
  return `## ${node.key}

${intro}| Value | Type | Default | Description |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function leaves(node: ValueNode): ValueNode[] {
  return node.children ? node.children.flatMap(leaves) : [node];
}

function typeCell(schema: JsonSchema): string {
  if (Array.isArray(schema.enum)) {
    return schema.enum.map((allowed) => code(JSON.stringify(allowed))).join(" or ");
  }
  const parts = [typeName(schema)];
  if (typeof schema.pattern === "string") parts.push(`matching ${code(schema.pattern)}`);
  if (typeof schema.minimum === "number") parts.push(`at least ${schema.minimum}`);
  if (typeof schema.maximum === "number") parts.push(`at most ${schema.maximum}`);
  if (typeof schema.maxLength === "number") parts.push(`at most ${schema.maxLength} characters`);
  return parts.join(", ");
}

function typeName(schema: JsonSchema): string {
  const inner = (sub: unknown) =>
    typeof sub === "object" && sub !== null && "type" in sub ? ` of ${typeName(sub as JsonSchema)}s` : "";
  // A Kubernetes type that we pass on as it is.
  if (typeof schema.$comment === "string") return `Kubernetes ${schema.$comment}`;
  if (schema.type === "array") return `list${inner(schema.items)}`;
  if (schema.type === "object") return `map${inner(schema.additionalProperties)}`;
  return String(schema.type);
}

function code(text: string): string {
  return cell(`\`${text}\``);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
