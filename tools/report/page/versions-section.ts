import { html, type Markup } from "../../base/markup.ts";
import type { ReportDocument } from "../document.ts";

/** What runs, and how that is known. */
export function versionsSection({ versions }: ReportDocument): Markup {
  const rows = versions.map(
    ({ component, where, version, evidence }) =>
      html`<tr><th scope="row">${component}</th><td>${version ?? "not known"}</td><td>${where}</td><td>${evidence}</td></tr>\n`,
  );
  return html`<section id="versions">
<h2>Versions</h2>
<div class="wide-table" tabindex="0" role="region" aria-label="Versions"><table class="stack">
<thead><tr><th scope="col">What</th><th scope="col">Version</th><th scope="col">Where</th><th scope="col">Evidence</th></tr></thead><tbody>${rows}</tbody></table></div>
</section>`;
}
