import type { Placed } from "./focus-layout.ts";
import { type Filters, isFiltered, type Model, type Visible } from "./model.ts";

/** What the page says of the picture of the whole graph. */
export function wholeSentence({ nodes, edges }: Model, visible: Visible, filters: Filters): string {
  if (!isFiltered(filters)) return "Choose a service to see who may call it.";
  return `The filters leave ${visible.nodeCount} of ${nodes.length} services and callers, and ${visible.edgeCount} of ${edges.length} permitted calls.`;
}

/** What it says of a service in focus. */
export function focusSentence(model: Model, visible: Visible, node: number, placed: Placed): string {
  const count = (edges: readonly number[] = []) => edges.filter((edge) => visible.edges[edge] === true).length;
  const callers = count(model.incoming[node]);
  const calls = count(model.outgoing[node]);
  const more = left(placed) > 0 ? `, ${left(placed)} more` : "";
  return `${model.nodes[node]?.label}: called by ${callers}, calls ${calls}. Shown: ${placed.nodes.length}${more}.`;
}

/** What it says of the services of an application. */
export function applicationSentence({ applications }: Model, application: number, placed: Placed): string {
  const { name, mode } = applications[application] ?? {};
  return `${name}: ${placed.nodes.length + left(placed)} services, mode ${mode}. Choose one to see its callers.`;
}

function left({ more }: Placed): number {
  return more.reduce((sum, { count }) => sum + count, 0);
}
