import { printable } from "../base/printable.ts";

/** A line of progress for people, on standard error; it may hold names and words that come from the cluster. */
export function say(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}
