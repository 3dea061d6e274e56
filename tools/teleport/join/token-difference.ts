import { ExitError } from "../../base/exit-error.ts";
import type { JoinToken } from "./join-token.ts";
import { algorithmOf, type Jwks, type PublicJwk, readTokenJwks, samePublicKey } from "./jwks.ts";
import type { StoredToken } from "./stored-token.ts";

/** One difference between the stored join token and the wanted one. */
export interface TokenDifference {
  /** `missing`: only wanted; `extra`: only stored; `changed`: both have it, not the same. */
  kind: "missing" | "extra" | "changed";
  /** What differs: a key with its kid, or the path of a field. */
  subject: string;
  /** Whether it is about the keys of the JWKS. */
  isKey: boolean;
  /** What follows from it. */
  consequence: string;
}

/**
 * Compares the join token that Teleport stores with the one that is wanted, in the order in which a join looks at them:
 * method, keys by kid, who may join, as whom, until when. Members of keys that no verifier uses, and the order of lists,
 * are no difference.
 */
export function tokenDifferences(stored: StoredToken, wanted: JoinToken): TokenDifference[] {
  const { means } = wanted;
  return [
    ...field("spec.join_method", stored.joinMethod, "kubernetes", "tbot joins with method kubernetes"),
    ...field("spec.kubernetes.type", stored.type, means.type, "tbot's token is checked in another way"),
    ...field(
      "spec.kubernetes.oidc.issuer",
      stored.issuer,
      means.type === "oidc" ? means.issuer : "",
      "keys are read from another issuer",
    ),
    ...keyDifferences(stored.jwks, means.type === "static_jwks" ? means.keys : []),
    ...allowDifferences(stored.allow, wanted.serviceAccounts),
    ...field("spec.roles", stored.roles.toSorted().join(", "), "Bot", "bots join with the role Bot"),
    ...field("spec.bot_name", stored.botName, wanted.botName, "tbot would join as another bot"),
    ...field("metadata.expires", stored.expires, "", "tbot cannot join any longer then"),
  ];
}

/** Whether tbot can join with it as it is: it only holds more keys than wanted, as during a rotation. */
export function hasOnlyMoreKeys(differences: readonly TokenDifference[]): boolean {
  return differences.every(({ kind, isKey }) => isKey && kind === "extra");
}

/** Whether a token of static keys lets another cluster's tbots in, and none of the cluster with these keys. */
export function isOfAnotherCluster({ type, jwks }: StoredToken, own: readonly PublicJwk[]): boolean {
  const held = readKeys(jwks);
  if (type !== "static_jwks" || "unreadable" in held || held.keys.length === 0) return false;
  return !held.keys.some((key) => own.some((other) => samePublicKey(key, other)));
}

/** The wanted token with the keys that only the stored one has, in its order: a rotation under way needs them. */
export function withStoredKeys(wanted: JoinToken, stored: StoredToken): JoinToken {
  const held = readKeys(stored.jwks);
  const { means } = wanted;
  if (means.type !== "static_jwks" || "unreadable" in held) return wanted;
  const kids = new Set(means.keys.map(({ kid }) => kid));
  return { ...wanted, means: { ...means, keys: [...means.keys, ...held.keys.filter(({ kid }) => !kids.has(kid))] } };
}

/** A difference as one line: what, and what follows from it. */
export function describeDifference({ kind, subject, consequence }: TokenDifference): string {
  return `${kind.padEnd(7)} ${subject}: ${consequence}`;
}

function field(path: string, stored: string, wanted: string, consequence: string): TokenDifference[] {
  if (stored === wanted) return [];
  const kind = stored === "" ? "missing" : wanted === "" ? "extra" : "changed";
  const values = {
    missing: `${JSON.stringify(wanted)} is wanted`,
    extra: JSON.stringify(stored),
    changed: `${JSON.stringify(stored)} in place of ${JSON.stringify(wanted)}`,
  };
  return [{ kind, subject: path, isKey: false, consequence: `${values[kind]}; ${consequence}` }];
}

function keyDifferences(jwks: string, wanted: readonly PublicJwk[]): TokenDifference[] {
  const stored = readKeys(jwks);
  if ("unreadable" in stored) {
    const { unreadable } = stored;
    return [{ kind: "changed", subject: "spec.kubernetes.static_jwks.jwks", isKey: true, consequence: unreadable }];
  }
  const storedByKid = new Map(stored.keys.map((key) => [key.kid, key]));
  const wantedKids = new Set(wanted.map(({ kid }) => kid));
  const differences = wanted.flatMap((key): TokenDifference[] => {
    const known = storedByKid.get(key.kid);
    if (known === undefined) return [keyDifference("missing", key, "tbot cannot join with a token that it signs")];
    if (samePublicKey(known, key)) return [];
    return [keyDifference("changed", key, "another key under this kid; signatures of the cluster's key do not fit it")];
  });
  const extra = stored.keys.filter(({ kid }) => !wantedKids.has(kid));
  // A key without kid fits no token.
  const foreign = stored.leftOut.filter(({ kid }) => kid !== "");
  const consequence = "anyone with its private key can join";
  return [
    ...differences,
    ...extra.map((key) => keyDifference("extra", key, consequence)),
    ...foreign.map(
      ({ kid, kty }): TokenDifference => ({
        kind: "extra",
        subject: `key ${JSON.stringify(kid)} (${kty})`,
        isKey: true,
        consequence,
      }),
    ),
  ];
}

/** The keys of a stored JWKS; of one that Teleport cannot use, why. */
function readKeys(jwks: string): Jwks | { unreadable: string } {
  if (jwks === "") return { keys: [], leftOut: [] };
  try {
    return readTokenJwks(Buffer.from(jwks), "the stored token");
  } catch (error) {
    if (!(error instanceof ExitError)) throw error;
    return { unreadable: `tbot cannot join: ${error.message}` };
  }
}

/** A difference of one key of the JWKS. */
export function keyDifference(kind: TokenDifference["kind"], key: PublicJwk, consequence: string): TokenDifference {
  return { kind, subject: `key ${JSON.stringify(key.kid)} (${algorithmOf(key)})`, isKey: true, consequence };
}

function allowDifferences(stored: readonly string[], wanted: readonly string[]): TokenDifference[] {
  const difference = (kind: "missing" | "extra", rule: string, consequence: string): TokenDifference => ({
    kind,
    subject: `spec.kubernetes.allow ${JSON.stringify(rule)}`,
    isKey: false,
    consequence,
  });
  return [
    ...wanted.filter((rule) => !stored.includes(rule)).map((rule) => difference("missing", rule, "it may not join")),
    ...stored.filter((rule) => !wanted.includes(rule)).map((rule) => difference("extra", rule, "it may join, too")),
  ];
}
