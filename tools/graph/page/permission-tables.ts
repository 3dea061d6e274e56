import { groupBy } from "../../base/group-by.ts";
import { type Content, html, type Markup } from "../../base/markup.ts";
import { type GraphApplication, type GraphEdge, type GraphService, labelOf, type MeshGraph } from "../mesh-graph.ts";
import { EFFECT, portText, sourceName } from "../permissions.ts";
import type { GraphData } from "./graph-data.ts";

/** The permissions as tables, one for each application, with one row for all callers of a service that have the same. */
export function permissionTables(
  graph: MeshGraph,
  { nodes }: GraphData,
  seen: ReadonlyMap<string, Content>,
): readonly Markup[] {
  const numbers = new Map(
    nodes.map(({ label, application }, index) => [application === undefined ? "" : label, index]),
  );
  const edges = groupBy(graph.edges, ({ to }) => to);
  return graph.applications.map((application) => {
    const rows = application.services.map((service) => serviceRows(service, edges.get(service) ?? [], numbers));
    return html`<div class="application">
<h3>${application.name} <span class="mode ${application.mode}">${application.mode}</span></h3>
<p class="note">Namespace ${application.namespace}. ${effect(application, seen.has(application.name))} ${seen.get(application.name)}</p>
<div class="wide-table" tabindex="0" role="region" aria-label="Calls to ${application.name}"><table class="stack">
<thead><tr><th scope="col">Service</th><th scope="col">Port</th><th scope="col">Methods and paths</th><th scope="col">May be called by</th></tr></thead>
<tbody>${rows}</tbody>
</table></div>
</div>`;
  });
}

/** Beside what was seen in the cluster, which may let more calls pass, the effect is only what the graph is to have. */
function effect({ mode }: GraphApplication, isBesideSeen: boolean): string {
  const text = EFFECT[mode];
  return isBesideSeen ? `The graph states: ${text}.` : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function serviceRows(
  service: GraphService,
  edges: readonly GraphEdge[],
  numbers: ReadonlyMap<string, number>,
): readonly Markup[] {
  const number = numbers.get(labelOf(service)) ?? 0;
  const same = [...groupBy(edges, ({ ports, methods, paths }) => JSON.stringify([ports, methods, paths])).values()];
  const head = (rows: number) =>
    html`<th scope="rowgroup" rowspan="${rows}"><a href="#s-${number}">${service.name}</a><code>${service.principal}</code></th>`;
  if (same.length === 0) {
    const ports = service.ports.length === 0 ? "none" : service.ports.map(portText).join(", ");
    const nobody = service.ports.length === 0 ? "nobody; it only calls" : "nobody";
    return [
      html`<tr id="s-${number}" data-node="${number}">${head(1)}<td data-label="Port">${ports}</td><td data-label="Methods and paths">–</td><td data-label="May be called by">${nobody}</td></tr>\n`,
    ];
  }
  return same.map((group, index) => {
    const [first] = group as [GraphEdge, ...GraphEdge[]];
    const id = index === 0 ? html` id="s-${number}"` : undefined;
    const callers = group.map(({ from }, place) => html`${place === 0 ? "" : ", "}${caller(from, service, numbers)}`);
    return html`<tr${id} data-node="${number}">${index === 0 ? head(same.length) : undefined}<td data-label="Port">${first.ports.map(portText).join(", ")}</td><td data-label="Methods and paths">${narrowing(first)}</td><td data-label="May be called by">${callers}</td></tr>\n`;
  });
}

function narrowing({ methods, paths, ports }: GraphEdge): string {
  if (ports.every(({ protocol }) => protocol === "TCP")) return "–";
  return [methods?.join(", "), paths?.join(", ")].filter((text) => text !== undefined).join(" ") || "any";
}

function caller(from: GraphEdge["from"], service: GraphService, numbers: ReadonlyMap<string, number>): Markup {
  const name = sourceName(from, service.application);
  const number = numbers.get(from.label);
  if (from.kind === "service" && number !== undefined) return html`<a href="#s-${number}">${name}</a>`;
  if (from.kind === "anyone") return html`<strong>anyone</strong>, also without an identity`;
  return from.principal === from.label ? html`<code>${name}</code>` : html`${name} <code>${from.principal}</code>`;
}
