/**
 * Rows as lines of text whose columns are aligned, two blanks between them; lines have no blanks at their ends.
 *
 * @param indent blanks before each line
 */
export function alignColumns(rows: readonly (readonly string[])[], indent = 0): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, text] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, text.length);
  }
  return rows.map((row) => {
    const cells = row.map((text, column) => text.padEnd(widths[column] ?? 0));
    return `${" ".repeat(indent)}${cells.join("  ")}`.trimEnd();
  });
}
