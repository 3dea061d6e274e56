import { counted } from "../../base/count.ts";
import { type Content, html, type Markup, trustedMarkup } from "../../base/markup.ts";
import type { MeshGraph } from "../mesh-graph.ts";
import { type LegendEntry, legendEntries, SWATCH } from "../views/legend.ts";
import { type GraphData, graphData } from "./graph-data.ts";
import { permissionTables } from "./permission-tables.ts";
import { type WholePicture, wholePicture } from "./whole-picture.ts";

/** The part of a page that shows the graph, and the data for the page's script. */
export interface GraphSection {
  section: Markup;
  data: GraphData;
}

/**
 * Who may call whom: a picture that the script makes interactive, and tables that say the same without it.
 *
 * @param said.heading absent where the page has it as its title
 * @param said.source where the graph comes from
 * @param said.applications what was seen of an application in the cluster, by its name
 */
export async function graphSection(
  graph: MeshGraph,
  said: { heading?: string; source: Content; applications?: ReadonlyMap<string, Content> },
): Promise<GraphSection> {
  const data = graphData(graph);
  const whole = await wholePicture(graph);
  const services = graph.applications.reduce((sum, application) => sum + application.services.length, 0);
  const collapsed = whole.isCollapsed ? trustedMarkup(" data-collapsed") : undefined;
  const section = html`<section id="calls" aria-label="Who may call whom">
${said.heading && html`<h2>${said.heading}</h2>`}
<p>${counted(graph.applications.length, "application")}, ${counted(services, "service")}, ${counted(graph.edges.length, "permitted call")}. ${said.source}</p>
${TIPS}
<div id="viewer"${collapsed}>
${controls(data)}
<div class="canvas" tabindex="0" role="region" aria-label="Picture of the graph; the tables below say the same">
<div class="scene">${picture(whole)}</div>
</div>
${legend(whole, graph)}
</div>
${permissionTables(graph, data, said.applications ?? new Map())}
</section>`;
  return { section, data };
}

/** The tip of every arrow of the page. Not hidden but empty: the tips of a hidden picture would not be drawn. */
const TIPS = html`<svg width="0" height="0" class="tips" aria-hidden="true"><defs><marker id="tip" viewBox="0 0 10 10" refX="10" refY="5" markerWidth="9" markerHeight="9" markerUnits="userSpaceOnUse" orient="auto"><path class="tip" d="M0 1L10 5L0 9z"/></marker></defs></svg>`;

function picture({ isCollapsed, ...drawing }: WholePicture): Markup {
  const [width, height] = [Math.ceil(drawing.width + 4), Math.ceil(drawing.height + 4)];
  const label = isCollapsed ? "Applications" : "Services and who may call them";
  return html`<svg class="picture" viewBox="-2 -2 ${width} ${height}" width="${width}" height="${height}" role="group" aria-label="${label}">
${trustedMarkup(drawing.lines.join("\n"))}
</svg>`;
}

function legend({ nodes, isCollapsed }: WholePicture, graph: MeshGraph): Markup {
  if (isCollapsed) {
    return html`<p class="note">Each box is an application or a caller from outside: there are too many services for one picture.</p>`;
  }
  const kinds = new Set(nodes.map(({ kind }) => kind));
  const loose = graph.applications.some(({ mode }) => mode !== "enforce");
  const [width, height] = [SWATCH.width + 4, SWATCH.height + 4];
  const swatch = ({ className, shape }: LegendEntry) =>
    html`<svg viewBox="${-width / 2} ${-height / 2} ${width} ${height}" width="${width}" height="${height}" aria-hidden="true">${trustedMarkup(`<g class="${className}">${shape}</g>`)}</svg>`;
  const entries = legendEntries(kinds, loose);
  return html`<ul class="legend" aria-label="Legend">
${entries.map((entry) => html`<li>${swatch(entry)}${entry.meaning}</li>`)}
</ul>`;
}

/** Hidden until the script has started. */
function controls({ applications, nodes }: GraphData): Markup {
  const modes = [...new Set(applications.map(({ mode }) => mode))].toSorted();
  const outside = nodes.flatMap(({ application, principal }) => (application === undefined ? (principal ?? []) : []));
  return html`<div class="controls" role="search" data-script hidden>
<div class="field wide"><label for="find">Find a service or a caller</label>
<input id="find" type="search" role="combobox" aria-expanded="false" aria-controls="found" aria-autocomplete="list" autocomplete="off" spellcheck="false">
<ul id="found" role="listbox" aria-label="Found" hidden></ul></div>
${choice("application", "Application", [["", "all"], ...applications.map(({ name }) => [name, name] as const)])}
${choice("mode", "Mode", [["", "all"], ...modes.map((mode) => [mode, mode] as const)])}
${choice("caller", "Callers", CALLERS)}
<div class="field"><label for="filter-principal">Caller’s principal contains</label>
<input id="filter-principal" list="principals" autocomplete="off" spellcheck="false"><datalist id="principals">${outside.map((principal) => html`<option value="${principal}"></option>`)}</datalist></div>
</div>
<div class="bar" data-script hidden>
<output id="graph-status" aria-live="polite"></output>
<button type="button" id="clear" hidden>Clear the filters</button>
<fieldset class="depth" hidden><legend>Neighbours</legend>${["1", "2", "3"].map(depth)}</fieldset>
<button type="button" id="whole" hidden>Whole graph</button>
<span class="zoom"><button type="button" id="zoom-out" aria-label="Zoom out">−</button><button type="button" id="zoom-fit">Fit</button><button type="button" id="zoom-in" aria-label="Zoom in">+</button></span>
</div>`;
}

const CALLERS = [
  ["", "all"],
  ["service", "services"],
  ["gateway", "gateways"],
  ["principal", "other principals"],
  ["anyone", "anyone"],
] as const;

function choice(name: string, label: string, options: readonly (readonly [value: string, text: string])[]): Markup {
  return html`<div class="field"><label for="filter-${name}">${label}</label>
<select id="filter-${name}">${options.map(([value, text]) => html`<option value="${value}">${text}</option>`)}</select></div>`;
}

function depth(value: string): Markup {
  const checked = value === "1" ? trustedMarkup(" checked") : undefined;
  return html`<label><input type="radio" name="depth" value="${value}"${checked}>${value}</label>`;
}
