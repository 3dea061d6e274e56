import { say } from "../terminal/say.ts";
import { linesOf } from "./last-words.ts";

/**
 * Milliseconds after which what a program says on standard error is for somebody who waits: "open this page to log in". What
 * it says right before its end is quoted as the reason of a failure instead.
 */
const HELD = 2_000;

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
  return {
    hear(chunk) {
      const timer = setTimeout(() => {
        const text = held.get(timer) ?? "";
        held.delete(timer);
        for (const line of linesOf(text)) say(`${program}: ${line}`);
      }, HELD);
      held.set(timer, decoder.decode(chunk, { stream: true }));
    },
    end() {
      for (const timer of held.keys()) clearTimeout(timer);
      return [...held.values()].join("");
    },
  };
}
