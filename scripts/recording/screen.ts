/** What a terminal printed, and when: seconds since the recording began. */
export interface Output {
  readonly at: number;
  readonly text: string;
}

/** Colours and weight that our commands use, by the number with which a terminal is told. */
export type Style = "plain" | "bold" | "dim" | "red" | "green" | "yellow" | "blue" | "cyan";

/** A run of characters on the screen. */
export interface Segment {
  /** From 0, counted from the first line that was printed. */
  readonly row: number;
  readonly column: number;
  readonly text: string;
  readonly style: Style;
  /** Seconds. */
  readonly from: number;
  /** When it was erased; undefined for what stays. */
  to?: number;
}

const ESCAPE = "\u001b";

const STYLES: Readonly<Record<string, Style>> = {
  "1": "bold",
  "2": "dim",
  "31": "red",
  "32": "green",
  "33": "yellow",
  "34": "blue",
  "36": "cyan",
};
/** A control sequence of a terminal: its numbers and its letter. */
const SEQUENCE = new RegExp(String.raw`^${ESCAPE}\[([\d;?]*)([A-Za-z])$`);
/** The parts of what was printed: control sequences, ends of lines, text. */
const TOKENS = new RegExp(String.raw`${ESCAPE}\[[\d;?]*[A-Za-z]|[\r\n]|[^${ESCAPE}\r\n]+|${ESCAPE}`, "g");
/** What ends a style; 0 or nothing ends all. */
const ENDS: Readonly<Record<string, readonly Style[]>> = {
  "22": ["bold", "dim"],
  "39": ["red", "green", "yellow", "blue", "cyan"],
};

/**
 * Where on the screen everything is that a terminal of this width printed. It knows what our commands send: text, ends of
 * lines, colours, and "back to the line's beginning, erase it".
 *
 * @throws Error for any other control sequence, since what it does would be missing
 */
export function segmentsOf(outputs: readonly Output[], columns: number): Segment[] {
  const segments: Segment[] = [];
  let [row, column] = [0, 0];
  let styles: Style[] = [];
  for (const { at, text } of outputs) {
    for (const [token] of text.matchAll(TOKENS)) {
      const [, codes, letter] = SEQUENCE.exec(token) ?? [];
      if (token === "\n") [row, column] = [row + 1, 0];
      else if (token === "\r") column = 0;
      else if (letter === "m") styles = restyled(styles, codes ?? "");
      else if (letter === "K") erase(segments, row, column, at);
      else if (token.startsWith(ESCAPE))
        throw new Error(`The recording has a control sequence that it can't show: ${JSON.stringify(token)}`);
      else {
        let rest = token;
        while (rest !== "") {
          if (column === columns) [row, column] = [row + 1, 0];
          const part = rest.slice(0, columns - column);
          segments.push({ row, column, text: part, style: styles.at(-1) ?? "plain", from: at });
          column += part.length;
          rest = rest.slice(part.length);
        }
      }
    }
  }
  return segments;
}

function restyled(styles: readonly Style[], codes: string): Style[] {
  let result = [...styles];
  for (const code of codes.split(";")) {
    const style = STYLES[code];
    if (style !== undefined) result.push(style);
    else if (ENDS[code] !== undefined) result = result.filter((each) => !ENDS[code]?.includes(each));
    else if (code === "" || code === "0") result = [];
    else throw new Error(`The recording has a colour that it can't show: ${code}`);
  }
  return result;
}

function erase(segments: readonly Segment[], row: number, column: number, at: number): void {
  for (const segment of segments)
    if (segment.row === row && segment.column >= column && segment.to === undefined) segment.to = at;
}

/** The outputs with each wait cut to `longest` seconds. */
export function withShortWaits(outputs: readonly Output[], longest: number): Output[] {
  let [before, now] = [0, 0];
  return outputs.map(({ at, text }) => {
    now += Math.min(at - before, longest);
    before = at;
    return { at: now, text };
  });
}
