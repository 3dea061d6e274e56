import { createHash } from "node:crypto";
import { type Content, html, type Markup, markupText, scriptJson, trustedMarkup } from "../../base/markup.ts";
import { PAGE_SCRIPT } from "./compiled-script.ts";
import type { GraphData } from "./graph-data.ts";
import { PAGE_STYLE } from "./page-style.ts";

/** What a page is made of. */
export interface Page {
  title: string;
  /** Below the title: of what, from when. */
  subtitle: Content;
  /** The table of contents: the ids of sections in the body, and their headings. */
  contents: readonly (readonly [id: string, heading: string])[];
  body: Content;
  /** For the picture of the graph; absent on a page without one. */
  graph?: GraphData | undefined;
}

/**
 * One HTML file that needs nothing else: its policy lets the browser load nothing and run nothing but the page's own
 * script, and lets that script never parse a text as markup.
 */
export function pageText({ title, subtitle, contents, body, graph }: Page): string {
  const style = trustedMarkup(PAGE_STYLE);
  const script = trustedMarkup(PAGE_SCRIPT);
  const policy = [
    "default-src 'none'",
    `style-src ${hash(PAGE_STYLE)}`,
    `script-src ${hash(PAGE_SCRIPT)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ];
  return markupText(html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${trustedMarkup(policy.join("; "))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="robots" content="noindex">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header class="top"><div>
<p class="brand">istio-teleport</p>
<button type="button" id="theme" aria-pressed="false" hidden>Dark</button>
</div></header>
<main id="main">
<h1>${title}</h1>
<p class="subtitle">${subtitle}</p>
${toc(contents)}
${body}
</main>
${graph && html`<script type="application/json" id="graph-data">${scriptJson(graph)}</script>`}
<script>${script}</script>
</body>
</html>
`);
}

function toc(contents: Page["contents"]): Markup | undefined {
  if (contents.length === 0) return undefined;
  const links = contents.map(([id, heading]) => html`<li><a href="#${id}">${heading}</a></li>`);
  return html`<nav aria-label="Contents"><ol>${links}</ol></nav>`;
}

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
