import { isRecord, jsonIn, textAt } from "../../base/json-value.ts";
import type { LogEntry } from "../snapshot.ts";

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
