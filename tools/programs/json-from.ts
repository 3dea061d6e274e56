import { EXIT, ExitError } from "../base/exit-error.ts";
import { isRecord, jsonIn } from "../base/json-value.ts";
import { linesOf } from "./last-words.ts";

/** What a caller needs to find in another program's JSON. */
export interface Shape<T> {
  /** As sentences put it: "an object". */
  named: string;
  fits(value: unknown): value is T;
}

/** Any object. */
export const OBJECT: Shape<Record<string, unknown>> = { named: "an object", fits: isRecord };

/** A list whose entries all fit. */
export function listOf<T>(named: string, fits: (value: unknown) => value is T): Shape<T[]> {
  return { named, fits: (value): value is T[] => Array.isArray(value) && value.every(fits) };
}

/**
 * The one way to read the JSON that kubectl, Helm or tctl prints: a wrapper's message, a login page, an empty answer and
 * JSON of another shape are refused, each with the line that shows what it is.
 *
 * @param purpose what the call was for: "list the nodes"
 * @throws ExitError (unavailable)
 */
export function jsonFrom<T>(printed: string | Buffer, program: string, purpose: string, shape: Shape<T>): T {
  const text = printed.toString();
  const value = jsonIn(text);
  if (shape.fits(value)) return value;
  throw unexpectedOutput(text, program, purpose, `${shape.named} as JSON`);
}

/**
 * The failure of a program that ended well and printed something else than it was asked for.
 *
 * @param wanted "an object as JSON"
 */
export function unexpectedOutput(printed: string, program: string, purpose: string, wanted: string): ExitError {
  return new ExitError(
    `Could not ${purpose}: ${program} printed ${quoted(printed)} in place of ${wanted}; if ${program} is a wrapper, have it print messages on standard error, and if that is a login page, log in.`,
    EXIT.unavailable,
  );
}

/** Characters of a line that are quoted; of JSON fewer, since it may hold what is nobody's business. */
const QUOTED = 200;
const QUOTED_JSON = 60;

/** The line of what was printed that shows what it is, in quotes: the first one, or the last one after JSON. */
export function quoted(printed: string): string {
  const lines = linesOf(printed);
  const first = lines[0];
  if (first === undefined) return "nothing";
  const last = lines.at(-1) ?? first;
  // JSON that breaks off ends with a member, which may hold what is nobody's business.
  const isAfterJson = /^\s*[[{]/.test(printed) && jsonIn(printed) === undefined && !/^["[{\]}]/.test(last);
  const line = isAfterJson ? last : first;
  const most = /^[[{]/.test(line) ? QUOTED_JSON : QUOTED;
  return `"${line.length > most ? `${line.slice(0, most)}…` : line}"`;
}
