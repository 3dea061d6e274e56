import { textWidth } from "../../../tools/graph/views/text-width.ts";

/**
 * The page is drawn as well, because an SVG in an <img> follows the reader's colour scheme and not that of the page around
 * it. The four colours of lines are those that people who see red and green alike tell apart.
 */
const STYLE = `
text{font-family:Helvetica,Arial,"Liberation Sans",sans-serif;font-size:12px;fill:#1f2328}
.title{font-size:15px;font-weight:bold}
.small{font-size:11px;fill:#4d5761}
.page{fill:#fff}
.grid{stroke:#d8dee4}
.bar{fill:#0969da}
.reference{fill:#8c959f}
.spread{stroke:#1f2328;stroke-width:1.5}
.line{fill:none;stroke-width:2}
.range{opacity:.45}
.s0{stroke:#0969da}.s1{stroke:#bc4c00}.s2{stroke:#1a7f37}.s3{stroke:#8250df}
.dot.s0{fill:#0969da}.dot.s1{fill:#bc4c00}.dot.s2{fill:#1a7f37}.dot.s3{fill:#8250df}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}
.small{fill:#a9b4bf}
.page{fill:#0d1117}
.grid{stroke:#30363d}
.bar{fill:#4493f8}
.reference{fill:#6e7681}
.spread{stroke:#e6edf3}
.s0{stroke:#4493f8}.s1{stroke:#f0883e}.s2{stroke:#3fb950}.s3{stroke:#ab7df8}
.dot.s0{fill:#4493f8}.dot.s1{fill:#f0883e}.dot.s2{fill:#3fb950}.dot.s3{fill:#ab7df8}
}
`;

/** Pixels. */
export const WIDTH = 760;
export const MARGIN = 16;
const FONT = 12;

/** An element with its attributes, and what is in it: text, or elements. */
export function element(name: string, attributes: Readonly<Record<string, string | number>>, inner = ""): string {
  const list = Object.entries(attributes).map(
    ([key, value]) => ` ${key}="${typeof value === "number" ? Math.round(value * 10) / 10 : escaped(value)}"`,
  );
  return `<${name}${list.join("")}${inner === "" ? "/>" : `>${inner}</${name}>`}`;
}

/** A line of text, which begins, ends or has its middle at x. */
export function label(
  text: string,
  at: { x: number; y: number; anchor?: "start" | "middle" | "end"; class?: string },
): string {
  const { x, y, anchor = "start", class: name } = at;
  return element(
    "text",
    { x, y, ...(anchor !== "start" && { "text-anchor": anchor }), ...(name && { class: name }) },
    escaped(text),
  );
}

/** Pixels that a label takes. */
export const labelWidth = (text: string) => textWidth(text, FONT);

/** A whole picture: a title, what it says for people who do not see it, and the parts. */
export function picture(title: string, description: string, height: number, parts: readonly string[]): string {
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="title description">
<title id="title">${escaped(title)}</title>
<desc id="description">${escaped(description)}</desc>
<style>${STYLE}</style>
${element("rect", { class: "page", width: WIDTH, height })}
${label(title, { x: MARGIN, y: 26, class: "title" })}
${parts.join("\n")}
</svg>
`;
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
