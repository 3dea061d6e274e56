import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { labPaths } from "../../../../lab/machine/paths.ts";

/** What each try came to, by the try's name (`orders → carts:80`): "200", "403", "answered", "ended", … */
export type Matrix = Readonly<Record<string, string>>;

/** One try: a connection, and a request over it, from a workload to a port of another one's Service. */
export interface Try {
  readonly from: string;
  readonly to: string;
  /** Of the Service. */
  readonly port: number;
}

/** Name of a try, and of the edge of the graph that it tries. */
export function tryName({ from, to, port }: Try): string {
  return `${from} → ${to}:${port}`;
}

/** Outcomes of a try that got an answer from the application itself, whatever is said of it behind a comma. */
const PASSED = /^(200|answered)(,|$)/;

function hasPassed(outcome: string | undefined): boolean {
  return PASSED.test(outcome ?? "");
}

/** The names of the tries that did not pass. */
export function notPassed(matrix: Matrix): string[] {
  return Object.keys(matrix).filter((name) => !hasPassed(matrix[name]));
}

/** What differs, one line a try; none if both are the same. */
export function differences(expected: Matrix, seen: Matrix): string[] {
  return [...new Set([...Object.keys(expected), ...Object.keys(seen)])]
    .filter((name) => expected[name] !== seen[name])
    .map((name) => `${name}: expected ${expected[name] ?? "no such try"}, saw ${seen[name] ?? "no such try"}`);
}

/** Prints a matrix on stderr, and saves it as JSON and Markdown in the lab's state, `sock-shop/matrix-<title>.*`. */
export function report(title: string, tries: readonly Try[], matrix: Matrix): void {
  const folder = join(labPaths().state, "sock-shop");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, `matrix-${title}.json`), `${JSON.stringify(matrix, null, 2)}\n`);
  writeFileSync(join(folder, `matrix-${title}.md`), markdown(title, tries, matrix));
  process.stderr.write(grid(title, tries, matrix));
}

/** Rows are callers, columns called ports, numbered; ● passed, · did not, blank: not tried. */
function grid(title: string, tries: readonly Try[], matrix: Matrix): string {
  const { rows, columns } = sides(tries);
  const width = Math.max(...rows.map((row) => row.length));
  const cell = (from: string, to: string) => {
    const outcome = matrix[`${from} → ${to}`];
    if (outcome === undefined) return "   ";
    return hasPassed(outcome) ? "  ●" : "  ·";
  };
  const lines = rows.map((from) => `${from.padEnd(width)}${columns.map((to) => cell(from, to)).join("")}`);
  const header = `${"".padEnd(width)}${columns.map((_, index) => String(index + 1).padStart(3)).join("")}`;
  const legend = columns.map((to, index) => `${index + 1} ${to}`).join(", ");
  return `\n${summary(title, matrix)}\n${header}\n${lines.join("\n")}\n${legend}\n`;
}

function markdown(title: string, tries: readonly Try[], matrix: Matrix): string {
  const { rows, columns } = sides(tries);
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const table = [
    line(["from \\ to", ...columns]),
    line(["from", ...columns].map(() => "---")),
    ...rows.map((from) => line([from, ...columns.map((to) => matrix[`${from} → ${to}`] ?? "")])),
  ];
  return `# ${summary(title, matrix)}\n\n${table.join("\n")}\n`;
}

function summary(title: string, matrix: Matrix): string {
  const total = Object.keys(matrix).length;
  return `${title}: ${total - notPassed(matrix).length} of ${total} pass`;
}

function sides(tries: readonly Try[]): { rows: string[]; columns: string[] } {
  return {
    rows: [...new Set(tries.map(({ from }) => from))],
    columns: [...new Set(tries.map(({ to, port }) => `${to}:${port}`))],
  };
}
