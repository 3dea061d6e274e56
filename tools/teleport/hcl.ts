/** Teleport's kinds and their resources in its Terraform provider (docs: reference/.../terraform-provider/resources). */
const RESOURCES: Readonly<Record<string, string>> = {
  token: "teleport_provision_token",
  role: "teleport_role",
  bot: "teleport_bot",
  workload_identity: "teleport_workload_identity",
};

/**
 * A document for tctl as a block for Teleport's Terraform provider, whose attributes have the same names. The block's
 * own name is the document's, with _ for what Terraform does not take.
 */
export function terraformResource(document: {
  kind: string;
  version: string;
  metadata: { name: string };
  spec: unknown;
}): string {
  const { kind, version, metadata, spec } = document;
  const type = RESOURCES[kind];
  if (type === undefined) throw new Error(`no Terraform resource stands for the kind ${kind}`);
  const label = metadata.name.replace(/[^A-Za-z0-9_-]/g, "_").replace(/^(?=[^A-Za-z_])/, "_");
  return `resource "${type}" "${label}" ${hcl({ version, metadata, spec }, "")}\n`;
}

function hcl(value: unknown, indent: string): string {
  const inner = `${indent}  `;
  if (typeof value === "string") return quoteHcl(value);
  if (Array.isArray(value)) {
    if (value.every((item) => typeof item === "string")) return `[${value.map(quoteHcl).join(", ")}]`;
    return `[${value.map((item) => hcl(item, indent)).join(", ")}]`;
  }
  if (typeof value !== "object" || value === null) throw new Error("a document of Teleport has texts, lists and maps");
  const entries = Object.entries(value).map(([key, item]) => [hclKey(key), hcl(item, inner)] as const);
  const widths = alignment(entries);
  return `{\n${entries.map(([key, text], at) => `${inner}${key.padEnd(widths[at] ?? 0)} = ${text}\n`).join("")}${indent}}`;
}

/** As `terraform fmt` does: neighbours of one line each have their equals signs in one column. */
function alignment(entries: readonly (readonly [string, string])[]): number[] {
  const widths: number[] = [];
  for (let start = 0; start < entries.length; ) {
    let end = start;
    while (entries[end]?.[1].includes("\n") === false) end++;
    const width = Math.max(0, ...entries.slice(start, end).map(([key]) => key.length));
    while (widths.length < end) widths.push(width);
    if (end < entries.length) widths.push(0);
    start = end + 1;
  }
  return widths;
}

function hclKey(key: string): string {
  // `{ for` starts another expression.
  return /^(?!for$)[A-Za-z_][A-Za-z0-9_-]*$/.test(key) ? key : quoteHcl(key);
}

/** `text` as an HCL string in ASCII: JSON's escapes are HCL's, and `${` and `%{`, which start templates, are doubled. */
function quoteHcl(text: string): string {
  return JSON.stringify(text)
    .replace(/[$%](?=\{)/g, "$&$&")
    .replace(/\\[bf]/g, (code) => (code === "\\b" ? "\\u0008" : "\\u000c"))
    .replace(/[\u007f-\u{10ffff}]/gu, (character) => {
      const code = (character.codePointAt(0) ?? 0).toString(16);
      return code.length > 4 ? `\\U${code.padStart(8, "0")}` : `\\u${code.padStart(4, "0")}`;
    });
}
