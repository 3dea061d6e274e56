import { ExitError } from "../base/exit-error.ts";
import { printable } from "../base/printable.ts";
import type { JoinToken } from "../teleport/join/join-token.ts";
import { MAX_JSON_BYTES } from "../teleport/join/json-strict.ts";
import { readStoredToken } from "../teleport/join/stored-token.ts";
import {
  describeDifference,
  hasOnlyMoreKeys,
  type TokenDifference,
  tokenDifferences,
} from "../teleport/join/token-difference.ts";
import { readBounded } from "./bounded-input.ts";

/** What a comparison with the cluster found. */
export interface Comparison {
  /** One per line; empty if there are none. */
  differences: string;
  /** A summary and the fix. */
  sentence: string;
}

/**
 * Compares a token, as `tctl get token/NAME` prints it, with the wanted one.
 *
 * @param file - for stdin
 * @throws ExitError (refused) when the file cannot be read or does not hold the token
 */
export async function checkToken(file: string, wanted: JoinToken): Promise<Comparison> {
  const source = file === "-" ? "standard input" : `the file ${file}`;
  const bytes = await readBounded(file, "token");
  if (bytes.length > MAX_JSON_BYTES) {
    throw new ExitError(
      `What ${source} holds is larger than 1 MiB; give it one token, as \`tctl get token/NAME\` prints it.`,
    );
  }
  const differences = tokenDifferences(readStoredToken(bytes.toString(), source, wanted.tokenName), wanted);
  const name = `The join token ${JSON.stringify(wanted.tokenName)}`;
  if (differences.length === 0) return { differences: "", sentence: `${name} is up to date.` };
  const hint = hasOnlyMoreKeys(differences)
    ? "tbot can join. During a rotation, name these keys with --extra-jwks; after it, recreate the token without --check"
    : "recreate it without --check and pipe it to `tctl create -f`";
  return { differences: lines(differences), sentence: `${name} differs in ${points(differences)}: ${hint}.` };
}

/** The differences, one per line. */
export function lines(differences: readonly TokenDifference[]): string {
  return differences.map((difference) => `${printable(describeDifference(difference))}\n`).join("");
}

/** "1 point", "2 points". */
export function points({ length }: readonly TokenDifference[]): string {
  return `${length} ${length === 1 ? "point" : "points"}`;
}
