import { say } from "../terminal/say.ts";
import { isLog, linesOf } from "./last-words.ts";

/**
 * Milliseconds after which what a program says on standard error is for somebody who waits: "open this page to log in". What
 * it says right before its end is quoted as the reason of a failure instead.
 */
const HELD = 2_000;

/** Lines that are shown at most: nobody finds the address in a page of a plugin's own log, and that may have no end. */
const MOST_LINES = 50;

/** What a running program says on standard error. */
export interface WordsMeanwhile {
  hear(chunk: Buffer): void;
  /** The program has ended. @returns what was held and is not shown any more */
  end(): string;
}

/** Shows what a program says on standard error as soon as it has run on for two seconds after it. */
export function wordsMeanwhile(program: string): WordsMeanwhile {
  const decoder = new TextDecoder();
  const held = new Map<NodeJS.Timeout, string>();
  let shown = 0;
  const show = (line: string) => {
    // "The API server does not answer", at each attempt, is for nobody who waits; the last one is the reason of the failure.
    if (isLog(line)) return;
    shown++;
    if (shown <= MOST_LINES) say(`${program}: ${line}`);
    else if (shown === MOST_LINES + 1) say(`${program} says more, which is not shown.`);
  };
  return {
    hear(chunk) {
      const timer = setTimeout(() => {
        const text = held.get(timer) ?? "";
        held.delete(timer);
        for (const line of linesOf(text)) show(line);
      }, HELD);
      held.set(timer, decoder.decode(chunk, { stream: true }));
    },
    end() {
      for (const timer of held.keys()) clearTimeout(timer);
      return [...held.values()].join("");
    },
  };
}
