import { html, type Markup } from "../../base/markup.ts";
import { graphFromJson } from "../../graph/graph-from-json.ts";
import { type GraphSection, graphSection } from "../../graph/page/graph-section.ts";
import { pageText } from "../../graph/page/page.ts";
import type { ReportDocument } from "../document.ts";
import { changesSection } from "./changes-section.ts";
import { healthSection } from "./health-section.ts";
import { identitiesSection } from "./identities-section.ts";
import { layersSection } from "./layers-section.ts";
import { ICONS, statusMark } from "./status.ts";
import { summarySection } from "./summary-section.ts";
import { timeText } from "./time.ts";
import { versionsSection } from "./versions-section.ts";

/** The report as one HTML page: it reads and prints without its script, which makes the graph interactive. */
export async function reportPage(report: ReportDocument): Promise<string> {
  const { changes, cluster } = report;
  const graph = await callsSection(report);
  const sections = [
    ["summary", "Summary", summarySection(report)],
    ...(changes === undefined ? [] : [["changes", "What changed", changesSection(changes)] as const]),
    ["health", "Health of the hand-off", healthSection(report)],
    ["layers", "Layers and exceptions", layersSection(report)],
    ["identities", "Who is who", identitiesSection(report)],
    ["calls", "Who may call whom", graph.section],
    ["versions", "Versions", versionsSection(report)],
  ] as const;
  return pageText({
    title: "Identities of the mesh",
    subtitle: html`${cluster.trustDomain ?? "Trust domain not known"} · ${timeText(report.takenAt)}`,
    contents: sections.map(([id, heading]) => [id, heading]),
    body: html`${ICONS}${sections.map(([, , section]) => section)}${footer(report)}`,
    graph: graph.data,
  });
}

async function callsSection(report: ReportDocument): Promise<Partial<GraphSection> & Pick<GraphSection, "section">> {
  if (report.graph === null) {
    const section = html`<section id="calls"><h2>Who may call whom</h2><p>${report.graphSource}</p></section>`;
    return { section };
  }
  const seen = report.policies.map(
    ({ application, status, evidence }) =>
      [application, html`<br>${statusMark(status)} In the cluster: ${evidence}.`] as const,
  );
  const graph = graphFromJson(report.graph, "the report");
  return await graphSection(graph, {
    heading: "Who may call whom",
    source: report.graphSource,
    applications: new Map(seen),
  });
}

function footer({ toolVersion, takenAt, cluster }: ReportDocument): Markup {
  return html`<footer>
<p>Written by istio-teleport ${toolVersion} from ${cluster.name}, as read ${timeText(takenAt)}. It holds no keys, tokens or other secrets: of certificates, it has names, dates and fingerprints. It says what was seen at that time, by the API server’s clock.</p>
</footer>`;
}
