/** A line of docs/README.md that leads somewhere. */
interface Entry {
  readonly title: string;
  /** As docs/README.md has it: a path from there, or a URL. */
  readonly target: string;
}

/** A section of docs/README.md: its heading, and its entries in their order. */
export interface Section {
  readonly title: string;
  readonly entries: readonly Entry[];
}

/** `1. [Quick start](start/quick-start.md): …` */
const LIST_ITEM = /^\d+\. \[([^\]]+)\]\(([^)]+)\)/;
/** `| [0001](decisions/0001-….md) | istiod is a separate release |` */
const TABLE_ROW = /^\| \[([^\]]+)\]\(([^)]+)\) \| (.+) \|$/;

/**
 * The order of the documentation, from its list of pages.
 *
 * @param markdown docs/README.md: a heading of level two for each section, then a list or a table whose lines begin with links
 * @throws Error when a section has no entry, so that a new form of the list cannot empty the sidebar
 */
export function contentsOf(markdown: string): Section[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .map((text) => {
      const [title = "", ...lines] = text.split("\n");
      const entries = lines.flatMap((line) => entryOf(line) ?? []);
      if (entries.length === 0) throw new Error(`The section "${title}" of docs/README.md lists no page.`);
      return { title, entries };
    });
}

function entryOf(line: string): Entry | undefined {
  const [, title, target] = LIST_ITEM.exec(line) ?? [];
  if (title !== undefined && target !== undefined) return { title, target };
  const [, number, page, text] = TABLE_ROW.exec(line) ?? [];
  return number === undefined || page === undefined ? undefined : { title: `${number} ${text}`, target: page };
}
