import { readFileSync } from "node:fs";

/** A table of a Markdown document: first column → (column heading → cell). */
export type MarkdownTable = Record<string, Record<string, string>>;

/** The first table below a heading (given without its `#`s). Throws if there is none. */
export function markdownTable(file: string, heading: string): MarkdownTable {
  const lines = readFileSync(file, "utf8").split("\n");
  const start = lines.findIndex((line) => line.replace(/^#+ /, "") === heading && line.startsWith("#"));
  const rows = lines.slice(start + 1);
  const first = rows.findIndex((line) => line.startsWith("|"));
  if (start === -1 || first === -1) throw new Error(`${file} has no table below "${heading}"`);
  const table = rows.slice(first);
  const end = table.findIndex((line) => !line.startsWith("|"));
  const [header, , ...body] = table.slice(0, end === -1 ? undefined : end).map(cells);
  if (header === undefined) throw new Error(`${file} has no table below "${heading}"`);
  return Object.fromEntries(
    body.map((row) => [
      row[0] ?? "",
      Object.fromEntries(header.slice(1).map((name, index) => [name, row[index + 1] ?? ""])),
    ]),
  );
}

function cells(row: string): string[] {
  return row
    .slice(1, row.lastIndexOf("|"))
    .split("|")
    .map((cell) => cell.trim());
}
