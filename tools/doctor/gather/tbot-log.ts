import { isRecord, jsonIn, textAt } from "../../base/json-value.ts";
import { COLOUR } from "../../base/printable.ts";
import type { LogEntry } from "../snapshot.ts";

/**
 * What tbot said last: the error with which it ended, in one line, the cause last (Teleport lib/utils/cli.go,
 * UserMessageFromError); or else the last line. Empty where the log is.
 */
export function lastWordsIn(log: string): string {
  const lines = log.split("\n").map((line) => line.replaceAll(COLOUR, "").trim());
  const said = lines.filter((line) => line !== "");
  const error = said.findLastIndex((line) => line.startsWith("ERROR: "));
  const words = error === -1 ? said.slice(-1).map(withoutForm) : said.slice(error);
  return words
    .join(": ")
    .replace(/^ERROR: /, "")
    .slice(0, 500);
}

/** A line of tbot's JSON log as people say it; others as they are. */
function withoutForm(line: string): string {
  const entry = jsonIn(line);
  if (!isRecord(entry)) return line;
  return [textOf(entry.message), errorText(entry.error)].filter((part) => part !== "").join(": ");
}

/** Warnings and errors of tbot's JSON log; other lines are left out. */
export function complaintsIn(log: string): LogEntry[] {
  return log.split("\n").flatMap((line) => {
    const entry = jsonIn(line);
    if (!isRecord(entry) || !/^(warn|error)/i.test(textAt(entry, "level"))) return [];
    return [{ message: textAt(entry, "message"), error: errorText(entry.error) }];
  });
}

/**
 * An error in one line, the innermost cause last. tbot's log has it as a text, or as the object that
 * gravitational/trace makes of an error that was wrapped (trace.go, TraceErr.MarshalJSON): the cause, and what was being
 * done at the time, innermost first.
 */
function errorText(error: unknown): string {
  if (typeof error !== "object" || error === null) return textOf(error);
  const { error: cause, message, messages } = error as Record<string, unknown>;
  const doing = Array.isArray(messages) ? messages.map(textOf).toReversed() : [];
  return [...doing, textOf(message), errorText(cause)].filter((part) => part !== "").join(": ");
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}
