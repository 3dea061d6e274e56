import { labelOf } from "../mesh-graph.ts";
import type { LearnedGraph } from "./learned-graph.ts";

/** How many items a sentence lists. */
const LISTED = 10;

/** What a reader shall know of the learned graph besides its values, one line each. */
export function notesOf(learned: LearnedGraph, hasGraph: boolean): string[] {
  const { applications, callers, deniedCallers, unused, inexpressible } = learned;
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
  const { paths, methods, bareCalls } = inexpressible;
  if (paths.size > 0) notes.push(`Calls were left out whose paths no rule can name exactly: ${quoted(paths)}.`);
  if (methods.size > 0) notes.push(`Calls were left out whose methods no rule can name: ${quoted(methods)}.`);
  if (bareCalls.size > 0) {
    notes.push(
      `Calls to HTTP ports were left out that show neither method nor path, so that their rule would allow all: ${listed([...bareCalls])}.`,
    );
  }
  return notes;
}

function quoted(texts: ReadonlySet<string>): string {
  return listed([...texts].map((text) => JSON.stringify(text.slice(0, 80))));
}

/** The first items, and how many more there are. */
export function listed(items: readonly string[]): string {
  const more = items.length - LISTED;
  return items.slice(0, LISTED).join(", ") + (more > 0 ? ` and ${more} more` : "");
}
