import { groupBy } from "../../base/group-by.ts";
import { html, type Markup } from "../../base/markup.ts";
import type { Check, Finding, ReportDocument } from "../document.ts";
import { statusMark } from "./status.ts";
import { timeText } from "./time.ts";

/** Findings of one check that are shown at once. */
const SHOWN = 5;

/** What doctor found, the worst first, then every check with what it looked at. */
export function healthSection({ checks, takenAt }: ReportDocument): Markup {
  const order = ["problem", "unknown", "warning"] as const;
  const complaints = order.flatMap((status) => checks.filter((check) => check.status === status));
  const list =
    complaints.length === 0
      ? html`<p>No check found anything.</p>`
      : html`<ul class="findings">${complaints.map(complaint)}</ul>`;
  return html`<section id="health">
<h2>Health of the hand-off</h2>
<p class="note">The checks of <code>istio-teleport doctor</code>, ${timeText(takenAt)}.</p>
${list}
<h3>Every check</h3>
<div class="wide-table" tabindex="0" role="region" aria-label="Every check"><table class="stack">
<thead><tr><th scope="col">Status</th><th scope="col">What should hold</th><th scope="col">What was looked at</th></tr></thead>
${[...groupBy(checks, ({ step }) => step)].map(
  ([step, own]) => html`<tbody><tr class="step"><th scope="rowgroup" colspan="3">${step}</th></tr>
${own.map(row)}</tbody>`,
)}
</table></div>
</section>`;
}

function complaint({ id, title, status, findings, documentation }: Check): Markup {
  const [first, rest] = [findings.slice(0, SHOWN), findings.slice(SHOWN)];
  const more =
    rest.length === 0
      ? undefined
      : html`<details><summary>${rest.length} more</summary><ul>${rest.map(evidence)}</ul></details>`;
  const hints = [...new Set(findings.map(({ hint }) => hint))];
  return html`<li class="${status}">${statusMark(status)} <span class="title">${title}</span>
<ul>${first.map(evidence)}</ul>${more}
${hints.map((hint) => html`<p class="hint">${hint}</p>`)}
<p class="note">${id} · ${documentation}</p></li>`;
}

function evidence({ subject, evidence: seen }: Finding): Markup {
  return html`<li><strong>${subject}</strong>: ${seen}</li>`;
}

function row({ id, title, status, examined }: Check): Markup {
  return html`<tr><td>${statusMark(status)}</td><td>${title}<code class="block">${id}</code></td><td>${examined}</td></tr>\n`;
}
