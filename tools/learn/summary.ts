import { labelOf } from "../lib/mesh-graph.ts";
import type { LearnedGraph } from "./learned-graph.ts";

/** How many items a sentence lists. */
const LISTED = 10;

/** What a reader shall know of the learned graph besides its values, one line each. */
export function notesOf(learned: LearnedGraph, hasGraph: boolean): string[] {
  const { applications, callers, deniedCallers, unused, inexpressiblePaths } = learned;
  const edges = `${callers} ${callers === 1 ? "edge" : "edges"} in ${[...applications.keys()].join(", ")}`;
  const notes = [
    hasGraph ? `${edges}; ${deniedCallers === 0 ? "none" : deniedCallers} denied by the current graph.` : `${edges}.`,
  ];
  if (unused.length > 0) {
    const names = unused.map(
      ({ from, to, ports }) => `${from.label} → ${labelOf(to)} ${ports.map(({ port }) => port)}`,
    );
    notes.push(`In the current graph and not seen: ${listed(names)}.`);
  }
  if (inexpressiblePaths.size > 0) {
    const paths = [...inexpressiblePaths].map((path) => JSON.stringify(path.slice(0, 80)));
    notes.push(`Calls were left out whose paths no rule can name exactly: ${listed(paths)}.`);
  }
  return notes;
}

/** The first items, and how many more there are. */
export function listed(items: readonly string[]): string {
  const more = items.length - LISTED;
  return items.slice(0, LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
