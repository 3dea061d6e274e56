import { html, type Markup } from "../../base/markup.ts";
import type { ReportDocument } from "../document.ts";
import { statusMark } from "./status.ts";

/** The fail-closed layers, and everything that is open on purpose. */
export function layersSection({ layers, exceptions }: ReportDocument): Markup {
  const rows = layers.map(
    ({ id, title, status, evidence }) =>
      html`<tr><th scope="row">${id}</th><td>${title}</td><td>${statusMark(status)}</td><td>${lines(evidence)}</td></tr>\n`,
  );
  const open = exceptions.map(
    ({ subject, statement, evidence }) =>
      html`<tr><th scope="row">${subject}</th><td>${statement}</td><td>${evidence}</td></tr>\n`,
  );
  const table =
    exceptions.length === 0
      ? html`<p>None is known.</p>`
      : html`<div class="wide-table" tabindex="0" role="region" aria-label="Exceptions"><table class="stack">
<thead><tr><th scope="col">Of what</th><th scope="col">What is open</th><th scope="col">Evidence</th></tr></thead><tbody>${open}</tbody></table></div>`;
  return html`<section id="layers">
<h2>Layers and exceptions</h2>
<p>Three layers keep workloads from an identity that is not Teleport’s. Each is judged by the checks that its evidence names.</p>
<div class="wide-table" tabindex="0" role="region" aria-label="Layers"><table class="layers stack">
<thead><tr><th scope="col">Layer</th><th scope="col">What it does</th><th scope="col">Status</th><th scope="col">Evidence</th></tr></thead><tbody>${rows}</tbody></table></div>
<h3>Exceptions</h3>
${table}
</section>`;
}

function lines(texts: readonly string[]): readonly Markup[] {
  return texts.map((text, index) => html`${index === 0 ? undefined : html`<br>`}${text}`);
}
