import { createHash } from "node:crypto";

/** A script within a page; those with `src` are files. */
const INLINE_SCRIPT = /<script(?![^>]*\ssrc=)[^>]*>([\s\S]*?)<\/script>/g;

/**
 * Adds a Content Security Policy to a finished page: files of the same origin only, and of scripts within the page just
 * those that it has now.
 */
export function withContentPolicy(html: string): string {
  const hashes = [...html.matchAll(INLINE_SCRIPT)].map(
    ([, script = ""]) => `'sha256-${createHash("sha256").update(script).digest("base64")}'`,
  );
  const policy = [
    "default-src 'none'",
    `script-src ${["'self'", ...new Set(hashes)].join(" ")}`,
    "style-src-elem 'self'",
    // Colours of code are attributes of its words.
    "style-src-attr 'unsafe-inline'",
    // Icons are data URLs.
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  // First, for it holds only for what comes behind it.
  return html.replace("<head>", `<head>\n    <meta http-equiv="Content-Security-Policy" content="${policy}">`);
}
