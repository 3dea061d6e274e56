import { goDurationSeconds } from "../../base/durations.ts";
import { ExitError } from "../../base/exit-error.ts";

/** The start of what is to be read. */
export interface Since {
  /** As a flag of `kubectl logs`. */
  kubectl: string;
  /** Back from `now`, rounded up. */
  seconds: number;
}

/**
 * Reads `--since`: a duration as Go writes it (`24h`) or a time as RFC 3339 does.
 *
 * @param now as Date.now() gives it
 * @throws ExitError (refused) for anything else, for nothing, and for the future
 */
export function readSince(text: string, now: number): Since {
  const duration = goDurationSeconds(text);
  if (duration !== undefined && duration > 0) {
    return { kubectl: `--since=${text}`, seconds: Math.ceil(duration) };
  }
  const isTime = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(text);
  const seconds = Math.ceil((now - Date.parse(text)) / 1000);
  if (isTime && seconds > 0) return { kubectl: `--since-time=${text}`, seconds };
  throw new ExitError(
    `--since is ${JSON.stringify(text)}, which is neither a duration nor a time that has passed: give one such as 24h or 2026-01-02T15:04:05Z.`,
  );
}
