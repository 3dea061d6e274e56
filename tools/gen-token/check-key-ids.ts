import type { JoinToken } from "../teleport/join/join-token.ts";
import { keyIdDifferences, parseKeyIds } from "../teleport/join/key-ids.ts";
import { hasOnlyMoreKeys } from "../teleport/join/token-difference.ts";
import { type Comparison, lines, points } from "./check.ts";

/**
 * Compares the IDs of the keys that the stored token has with the cluster's keys.
 *
 * @param list IDs, separated by commas
 * @throws ExitError (refused) for an empty ID
 */
export function checkKeyIds(list: string, { means }: JoinToken): Comparison {
  const ids = parseKeyIds("--check-key-ids", list);
  const differences = keyIdDifferences(ids, means.type === "static_jwks" ? means.keys : []);
  if (differences.length === 0) return { differences: "", sentence: "The cluster's keys are those with these IDs." };
  const hint = hasOnlyMoreKeys(differences)
    ? "tbot can join. After a rotation, recreate the token and list its keys' IDs anew"
    : "recreate the token, pipe it to `tctl create -f`, and list its keys' IDs anew";
  return { differences: lines(differences), sentence: `The cluster's keys differ in ${points(differences)}: ${hint}.` };
}
