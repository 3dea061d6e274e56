import { html, type Markup } from "../../base/markup.ts";
import type { ReportDocument, Status } from "../document.ts";
import { statusMark } from "./status.ts";
import { timeText } from "./time.ts";

/** The verdict, and what it is about. */
export function summarySection(report: ReportDocument): Markup {
  const { summary, cluster, takenAt, readUntil, identities, unread, graph } = report;
  const status = verdict(report);
  const pods = identities.reduce((sum, identity) => sum + identity.pods.length, 0);
  const foreign = identities.filter((identity) => identity.status !== "ok").length;
  const services = graph?.applications.reduce((sum, application) => sum + application.services.length, 0) ?? 0;
  const facts: readonly (readonly [term: string, value: string, detail: string])[] = [
    ["Trust domain", cluster.trustDomain ?? "not known", "the Teleport cluster’s name"],
    [
      "Cluster",
      cluster.name,
      cluster.namespaces.length === 0 ? "all namespaces" : `only ${cluster.namespaces.join(", ")}`,
    ],
    ["Read", timeText(takenAt), readUntil === null ? "" : `until ${timeText(readUntil)}`],
    [
      "Identities",
      String(identities.length),
      `of ${pods} pods${foreign > 0 ? `; ${foreign} not as they should be` : ""}${unread.length > 0 ? `; ${unread.length} pods could not be read` : ""}`,
    ],
    ["Earliest expiry", timeText(earliest(report)), "of the certificates that proxies hold"],
    [
      "Graph",
      graph === null ? "not known" : `${services} services`,
      graph === null ? "" : `${graph.edges.length} permitted calls in ${graph.applications.length} applications`,
    ],
  ];
  return html`<section id="summary" aria-label="Summary">
<div class="verdict ${status}"><strong>${statusMark(status)} ${SENTENCE[status]}</strong>
<p>${counts(summary)}</p></div>
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

/** The worst of the checks, of the identities and of the policies. */
function verdict({ summary, identities, policies, unread }: ReportDocument): Status {
  const isBroken = [...identities, ...policies].some(({ status }) => status === "problem");
  if (summary.problem > 0 || isBroken) return "problem";
  if (summary.unknown > 0 || unread.length > 0 || policies.some(({ status }) => status === "unknown")) return "unknown";
  if (summary.warning > 0) return "warning";
  return summary.ok > 0 ? "ok" : "skipped";
}

function counts({ problem, unknown, warning, ok, skipped }: ReportDocument["summary"]): string {
  return [
    problem === 1 ? "1 problem" : `${problem} problems`,
    ...(unknown > 0 ? [`${unknown} could not be checked`] : []),
    warning === 1 ? "1 warning" : `${warning} warnings`,
    `${ok} ok`,
    `${skipped} with nothing to check`,
  ].join(", ");
}

function earliest({ identities }: ReportDocument): string | null {
  const times = identities.flatMap(({ pods }) => pods.flatMap(({ expiresAt }) => expiresAt ?? []));
  return times.toSorted()[0] ?? null;
}
