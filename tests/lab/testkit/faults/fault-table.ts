import { join } from "node:path";
import { REPOSITORY } from "../installation/installation.ts";
import { markdownTable } from "../reports/markdown-table.ts";

/** What a cell lists: names that must be seen, and, in parentheses, names that may be. */
export interface Listed {
  readonly must: readonly string[];
  readonly may: readonly string[];
}

/** A row of docs/operate/faults.md. */
export interface DocumentedFault {
  /** Whether requests fail. */
  readonly fails: boolean;
  /** Seconds that healing may take. */
  readonly healsWithin: number;
  /** Alerts, without their common prefix. */
  readonly alerts: Listed;
  /** Ids of doctor's checks. */
  readonly doctor: Listed;
}

/** The row of docs/operate/faults.md for a fault; throws if there is none, or a cell cannot be read. */
export function documentedFault(name: string): DocumentedFault {
  const row = markdownTable(join(REPOSITORY, "docs", "operate", "faults.md"), "What each fault does")[name];
  if (row === undefined) throw new Error(`docs/operate/faults.md has no row "${name}"`);
  const cell = (heading: string): string => {
    const text = row[heading];
    if (text === undefined || text === "")
      throw new Error(`docs/operate/faults.md, "${name}": nothing below "${heading}"`);
    return text;
  };
  const seconds = /^(\d+) s$/.exec(cell("at most"))?.[1];
  if (seconds === undefined) throw new Error(`docs/operate/faults.md, "${name}": "at most" is not "N s"`);
  return {
    fails: cell("failed requests") !== "0",
    healsWithin: Number(seconds),
    alerts: listed(cell("alerts")),
    doctor: listed(cell("doctor")),
  };
}

/** "A, B (C)": A and B must be seen, C may. "none" is nothing. Links count as their texts. */
function listed(cell: string): Listed {
  const text = cell.replaceAll(/\[([^\]]+)\]\([^)]+\)/g, "$1");
  const may = [...text.matchAll(/\(([^)]+)\)/g)].flatMap(([, inner]) => names(inner ?? ""));
  return { must: names(text.replaceAll(/\([^)]*\)/g, "")), may };
}

function names(list: string): string[] {
  return list
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "none");
}

/** Whether all that must be seen is, and nothing else but what may. */
export function agrees({ must, may }: Listed, seen: readonly string[]): boolean {
  return must.every((name) => seen.includes(name)) && seen.every((name) => must.includes(name) || may.includes(name));
}
