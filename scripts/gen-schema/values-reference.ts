import type { JsonSchema, ValueNode } from "./values-comments.ts";

/** docs/reference/values.md: every value with type, default and description, one table for each top-level key. */
export function valuesReference(nodes: ValueNode[]): string {
  return `<!-- Generated from chart/values.yaml by npm run gen-schema; do not edit. -->

# Values

Every value of the chart. Set them in a file (\`-f values.yaml\`) or with \`--set path=value\`; the same files serve Helm
and the commands of \`istio-teleport\`. Unknown keys are refused by both. To have a
default leave the key out: \`null\` deletes a key, stays null or is ignored by Helm depending on where it stands, and is
refused wherever it cannot be meant.

${valuesTables(nodes, "##")}`;
}

/**
 * A table for each top-level key.
 *
 * @param heading the level of its heading: `##`
 */
export function valuesTables(nodes: ValueNode[], heading: string): string {
  return nodes.map((node) => section(node, heading)).join("\n");
}

/** A line of the reference. */
interface Row {
  path: string;
  type: string;
  /** As Markdown. */
  fallback: string;
  description: string;
}

function section(node: ValueNode, heading: string): string {
  const rows = leaves(node)
    .flatMap(rowsOf)
    .map(({ path, type, fallback, description }) => `| ${code(path)} | ${type} | ${fallback} | ${cell(description)} |`);
  const intro = node.children && node.description !== "" ? `${node.description}\n\n` : "";
  return `${heading} ${node.key}

${intro}| Value | Type | Default | Description |
| --- | --- | --- | --- |
${rows.join("\n")}
`;
}

function leaves(node: ValueNode): ValueNode[] {
  return node.children ? node.children.flatMap(leaves) : [node];
}

function rowsOf({ path, schema, description }: ValueNode): Row[] {
  const fallback = code(JSON.stringify(schema.default));
  return [{ path, type: typeCell(schema), fallback, description }, ...nestedRows(path, schema)];
}

/** Rows of what a list or a free map holds, when its schema has a title. */
function nestedRows(path: string, { items, additionalProperties }: JsonSchema): Row[] {
  return [items, additionalProperties].flatMap((entry) => {
    const { title, properties, required = [] } = (entry ?? {}) as JsonSchema;
    if (typeof title !== "string") return [];
    const place = entry === items ? `${path}[]` : `${path}.<${title.toLowerCase()}>`;
    return Object.entries(properties as Record<string, JsonSchema>).flatMap(([key, schema]) => {
      const fallback = (required as string[]).includes(key)
        ? "required"
        : schema.default === undefined
          ? ""
          : code(JSON.stringify(schema.default));
      const row = {
        path: `${place}.${key}`,
        type: typeCell(schema),
        fallback,
        description: String(schema.description),
      };
      return [row, ...nestedRows(row.path, schema)];
    });
  });
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
  const kubernetes = kubernetesType(schema);
  if (kubernetes !== undefined) return `Kubernetes ${kubernetes}`;
  const inner = (sub: unknown) => (typeof sub === "object" && sub !== null ? entryName(sub as JsonSchema) : "");
  if (schema.type === "array") return `list${inner(schema.items)}`;
  if (schema.type === "object") return `map${inner(schema.additionalProperties)}`;
  return String(schema.type);
}

/** " of strings", " of callers"; empty if the list or map may hold anything. */
function entryName({ title, $ref, ...schema }: JsonSchema): string {
  const kubernetes = kubernetesType({ $ref });
  if (kubernetes !== undefined) return ` of Kubernetes ${kubernetes}`;
  const name = title ?? (typeof $ref === "string" ? $ref.split("/").at(-1) : undefined);
  if (typeof name === "string") return ` of ${name.toLowerCase()}s`;
  return schema.type === undefined ? "" : ` of ${typeName(schema)}s`;
}

/** Name of the type of the Kubernetes API that a schema refers to. */
function kubernetesType({ $ref }: JsonSchema): string | undefined {
  return typeof $ref === "string" ? /\/Kubernetes\.(\w+)$/.exec($ref)?.[1] : undefined;
}

function code(text: string): string {
  return cell(`\`${text}\``);
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}
