import { closest, distance } from "fastest-levenshtein";

/**
 * The candidate that `key` was most likely meant to be, or undefined if none is near: at most two edits, or a third
 * of the key's length for long keys, and no more than half of the candidate; upper and lower case count as equal.
 */
export function nearestKey(key: string, candidates: readonly string[]): string | undefined {
  const lowered = key.toLowerCase();
  const byLowered = new Map(candidates.map((candidate) => [candidate.toLowerCase(), candidate]));
  if (byLowered.size === 0) return undefined;
  const nearest = closest(lowered, [...byLowered.keys()]);
  const allowed = Math.max(2, Math.floor(key.length / 3));
  // Two edits of a word of three letters make any other: `foo` is not meant to be `bot`.
  return distance(lowered, nearest) <= Math.min(allowed, Math.floor(nearest.length / 2))
    ? byLowered.get(nearest)
    : undefined;
}
