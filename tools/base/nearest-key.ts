import { closest, distance } from "fastest-levenshtein";

/**
 * The candidate that `key` was most likely meant to be, or undefined if none is near: at most two edits, or a third
 * of the key's length for long keys; upper and lower case count as equal.
 */
export function nearestKey(key: string, candidates: readonly string[]): string | undefined {
  const lowered = key.toLowerCase();
  const byLowered = new Map(candidates.map((candidate) => [candidate.toLowerCase(), candidate]));
  if (byLowered.size === 0) return undefined;
  const nearest = closest(lowered, [...byLowered.keys()]);
  const allowed = Math.max(2, Math.floor(key.length / 3));
  // A distance as long as the word itself would call any short word near.
  return distance(lowered, nearest) <= Math.min(allowed, nearest.length - 1) ? byLowered.get(nearest) : undefined;
}
