import { counted } from "../../base/count.ts";
import { html, type Markup } from "../../base/markup.ts";
import type { ReportDocument, Status } from "../document.ts";
import { reasonsOf, verdictOf } from "../verdict.ts";
import { statusMark } from "./status.ts";
import { timeText } from "./time.ts";

/** The verdict, and what it is about. */
export function summarySection(report: ReportDocument): Markup {
  const { cluster, takenAt, readUntil, identities, graph } = report;
  const status = verdictOf(report);
  const pods = identities.reduce((sum, identity) => sum + identity.pods.length, 0);
  const services = graph?.applications.reduce((sum, application) => sum + application.services.length, 0) ?? 0;
  const facts: readonly (readonly [term: string, value: string, detail: string])[] = [
    ["Trust domain", cluster.trustDomain ?? "not known", "the Teleport cluster’s name"],
    [
      "Cluster",
      cluster.name,
      cluster.namespaces.length === 0 ? "all namespaces" : `only ${cluster.namespaces.join(", ")}`,
    ],
    ["Read", timeText(takenAt), readUntil === null ? "" : `until ${timeText(readUntil)}`],
    ["Identities", String(identities.length), `held by ${counted(pods, "pod")}`],
    ["Earliest expiry", timeText(earliest(report)), "of the certificates that proxies hold"],
    [
      "Graph",
      graph === null ? "not known" : counted(services, "service"),
      graph === null
        ? ""
        : `${counted(graph.edges.length, "permitted call")} in ${counted(graph.applications.length, "application")}`,
    ],
  ];
  return html`<section id="summary" aria-label="Summary">
<div class="verdict ${status}"><strong>${statusMark(status)} ${SENTENCE[status]}</strong>
${reasonsOf(report).map((reason) => html`<p>${reason}</p>`)}</div>
<dl class="facts">${facts.map(([term, value, detail]) => html`<div><dt>${term}</dt><dd>${value}<small>${detail}</small></dd></div>`)}</dl>
</section>`;
}

const SENTENCE: Readonly<Record<Status, string>> = {
  ok: "Every check is fine.",
  warning: "It works, with risks to know.",
  problem: "Something is broken or open.",
  unknown: "Something could not be checked.",
  skipped: "Nothing was checked.",
};

function earliest({ identities }: ReportDocument): string | null {
  const times = identities.flatMap(({ pods }) => pods.flatMap(({ expiresAt }) => expiresAt ?? []));
  return times.toSorted()[0] ?? null;
}
