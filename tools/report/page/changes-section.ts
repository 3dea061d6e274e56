import { html, type Markup } from "../../base/markup.ts";
import type { Change, ReportDocument } from "../document.ts";
import { timeText } from "./time.ts";

/** What differs from the other report, by subject; a subject without a difference says so. */
export function changesSection(changes: NonNullable<ReportDocument["changes"]>): Markup {
  const subjects = [
    ["Identities", changes.identities],
    ["Permitted calls", changes.permissions],
    ["Findings", changes.findings],
    ["Layers", changes.layers],
    ["Versions", changes.versions],
  ] as const;
  return html`<section id="changes" class="changes">
<h2>What changed</h2>
<p>Since the report of ${timeText(changes.since)}. Renewed certificates and replaced pods are no change.</p>
${subjects.map(([heading, own]) => html`<h3>${heading}</h3>${list(own)}`)}
</section>`;
}

function list(changes: readonly Change[]): Markup {
  if (changes.length === 0) return html`<p class="note">No change.</p>`;
  return html`<ul>${changes.map(item)}</ul>`;
}

function item({ kind, what, detail }: Change): Markup {
  return html`<li><span class="sign">${SIGN[kind]}</span> ${what}${detail === "" ? undefined : html`<br><span class="note">${detail}</span>`}</li>`;
}

const SIGN: Readonly<Record<Change["kind"], string>> = { added: "+ new", removed: "− gone", changed: "± changed" };
