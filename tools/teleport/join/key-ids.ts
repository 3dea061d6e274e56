import { ExitError } from "../../base/exit-error.ts";
import type { PublicJwk } from "./jwks.ts";
import { keyDifference, type TokenDifference } from "./token-difference.ts";

/**
 * Key IDs as a flag lists them, separated by commas.
 *
 * @throws ExitError (refused) for a list with an empty one, as a variable that is not set leaves it
 */
export function parseKeyIds(flag: string, list: string): string[] {
  const ids = list.split(",").map((id) => id.trim());
  if (!ids.includes("")) return ids;
  throw new ExitError(`${flag} ${JSON.stringify(list)} has an empty key ID; list the IDs of the join token's keys.`);
}

/**
 * How the keys of a join token, of which only the IDs are known, differ from the cluster's. The API server makes a key's
 * ID from the key itself, so that the same ID is the same key.
 *
 * @param published the cluster's keys
 */
export function keyIdDifferences(ids: readonly string[], published: readonly PublicJwk[]): TokenDifference[] {
  const missing = published.filter(({ kid }) => !ids.includes(kid));
  const extra = ids.filter((id) => !published.some(({ kid }) => kid === id));
  return [
    ...missing.map((key) => keyDifference("missing", key, "tbot cannot join with a token that it signs")),
    ...extra.map(
      (id): TokenDifference => ({
        kind: "extra",
        subject: `key ${JSON.stringify(id)}`,
        isKey: true,
        consequence: "the cluster no longer publishes it; anyone with its private key can join",
      }),
    ),
  ];
}
