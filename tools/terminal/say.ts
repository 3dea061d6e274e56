import { printable } from "../base/printable.ts";

/** A line of progress for people, on standard error. It may contain names and text from the cluster. */
export function say(line: string): void {
  process.stderr.write(`${printable(line)}\n`);
}
