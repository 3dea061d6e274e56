import { html, type Markup, trustedMarkup } from "../../base/markup.ts";
import type { Status } from "../document.ts";

const WORD: Readonly<Record<Status, string>> = {
  ok: "ok",
  warning: "warning",
  problem: "problem",
  unknown: "unknown",
  skipped: "not checked",
};

/** A word and a shape for a status, so that nobody needs the colour. */
export function statusMark(status: Status): Markup {
  return html`<span class="status ${status}"><svg viewBox="0 0 16 16" aria-hidden="true"><use href="#i-${status}"></use></svg>${WORD[status]}</span>`;
}

/** What `statusMark` draws from: disc, triangle, octagon, ring and bar. */
export const ICONS: Markup = trustedMarkup(`<svg width="0" height="0" class="tips" aria-hidden="true">
<symbol id="i-ok" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="currentColor"/><path d="M4.5 8.3l2.4 2.4 4.6-5" fill="none" stroke="var(--page)" stroke-width="1.8"/></symbol>
<symbol id="i-warning" viewBox="0 0 16 16"><path d="M8 1l7.4 13.4H.6z" fill="currentColor"/><path d="M8 6v4M8 11.3v1.6" stroke="var(--page)" stroke-width="1.7"/></symbol>
<symbol id="i-problem" viewBox="0 0 16 16"><path d="M5 .8h6L15.2 5v6L11 15.2H5L.8 11V5z" fill="currentColor"/><path d="M5.2 5.2l5.6 5.6m0-5.6l-5.6 5.6" stroke="var(--page)" stroke-width="1.8"/></symbol>
<symbol id="i-unknown" viewBox="0 0 16 16"><circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.6"/><path d="M6 6.3a2 2 0 1 1 2.6 2c-.5.2-.6.5-.6 1.1M8 11v1.4" fill="none" stroke="currentColor" stroke-width="1.5"/></symbol>
<symbol id="i-skipped" viewBox="0 0 16 16"><path d="M3 8h10" stroke="currentColor" stroke-width="2"/></symbol>
</svg>`);
