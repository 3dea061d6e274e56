import type { Segment, Style } from "./screen.ts";

/** Sizes in pixels: of a character, of a line, of the space around the text. */
const [CHARACTER, LINE, MARGIN] = [8.4, 20, 20];
/** How many lines the window shows. */
export const ROWS = 30;

/** On a dark ground in every theme, as a terminal: each has a contrast of at least 7 to it. */
const COLOURS: Readonly<Record<Style, string>> = {
  plain: "#d6dde6",
  bold: "#ffffff",
  dim: "#a7b2c0",
  red: "#ff9d94",
  green: "#7ee2a0",
  yellow: "#f2cc60",
  blue: "#9ecbff",
  cyan: "#76e3ea",
};

const STILL = ".s,.t,.scroll{animation:none}";

/** What stands around the recorded text. */
export interface Words {
  /** For who cannot see it. */
  readonly title: string;
  /** Below the window, one line each: what was cut and left out. */
  readonly notes: readonly string[];
}

/** `still`: the end only. A page chooses by prefers-reduced-motion, which browsers don't tell a picture in a page. */
type Motion = "animated" | "still";

/**
 * The recording as an SVG without a script. The animated one plays once and stays at its end; opened by itself where the
 * reader wants no motion, it is still.
 */
export function recordingSvg(
  segments: readonly Segment[],
  columns: number,
  { title, notes }: Words,
  motion: Motion,
): string {
  const width = Math.ceil(columns * CHARACTER + 2 * MARGIN);
  const window = ROWS * LINE + MARGIN;
  const height = window + notes.length * LINE + MARGIN;
  const { scroll, end } = scrolling(segments);
  const texts = segments.filter(({ text, from, to }) => text.trim() !== "" && from !== to).map(textOf);
  const styles = Object.entries(COLOURS).map(([style, colour]) => `.${style}{fill:${colour}}`);
  const lines = notes.map(
    (note, index) => `<text class="dim" x="${MARGIN}" y="${window + LINE * (index + 1)}">${escaped(note)}</text>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-labelledby="title">
<title id="title">${escaped(title)}</title>
<style>
text{font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;white-space:pre}
.bold{font-weight:bold}
${styles.join("")}
.s{animation:show 1ms both}
.t{visibility:hidden;animation:flash 1ms}
@keyframes show{from{visibility:hidden}}
@keyframes flash{from,to{visibility:visible}}
${scroll}
${motion === "still" ? STILL : `@media (prefers-reduced-motion:reduce){${STILL}}`}
</style>
<rect width="${width}" height="${height}" rx="8" fill="#161b22"/>
<svg y="${MARGIN / 2}" width="${width}" height="${ROWS * LINE}"><g class="scroll" transform="translate(0 ${end})">
${texts.join("\n")}
</g></svg>
<path d="M0 ${window}H${width}" stroke="#3d4653"/>
${lines.join("\n")}
</svg>
`;
}

function textOf({ row, column, text, style, from, to }: Segment): string {
  const place = `x="${round(MARGIN + column * CHARACTER)}" y="${row * LINE + 15}" textLength="${round(text.length * CHARACTER)}"`;
  const when =
    to === undefined
      ? `class="s ${style}" style="animation-delay:${round(from)}s"`
      : `class="t ${style}" style="animation-delay:${round(from)}s;animation-duration:${round(to - from)}s"`;
  return `<text ${place} ${when}>${escaped(text)}</text>`;
}

/** How the text moves up as lines fill the window: a rule of style, and where it ends, in pixels. */
function scrolling(segments: readonly Segment[]): { scroll: string; end: number } {
  const total = Math.max(...segments.map(({ from }) => from));
  const steps: string[] = [];
  let end = 0;
  for (const { row, from } of segments) {
    const up = -LINE * Math.max(0, row + 1 - ROWS);
    if (up >= end) continue;
    const percent = round((from / total) * 100);
    steps.push(`${percent}%{transform:translateY(${up}px)}`);
    end = up;
  }
  if (steps.length === 0) return { scroll: "", end };
  return {
    scroll: `@keyframes scroll{0%{transform:translateY(0)}${steps.join("")}}
.scroll{animation:scroll ${round(total)}s step-end both}`,
    end,
  };
}

const round = (number: number) => Math.round(number * 100) / 100;

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
