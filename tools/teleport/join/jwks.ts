import { createPublicKey, type JsonWebKey, type KeyObject } from "node:crypto";
import { ExitError } from "../../base/exit-error.ts";
import { parseStrictJson } from "./json-strict.ts";

/** The signature algorithms of Kubernetes service account keys (kube-apiserver --service-account-signing-key-file). */
export const SIGNATURE_ALGORITHMS = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"] as const;

/** A public key of a JWKS, reduced to the members that a verifier reads, in this order. */
export interface PublicJwk {
  kty: "RSA" | "EC";
  kid: string;
  use?: "sig";
  alg?: string;
  /** RSA modulus and exponent, base64url. */
  n?: string;
  e?: string;
  /** EC curve and coordinates, base64url. */
  crv?: string;
  x?: string;
  y?: string;
}

/** Curve → its algorithm and the octets of one coordinate (RFC 7518, 3.4 and 6.2.1.2). */
const CURVES: Readonly<Record<string, { alg: string; octets: number }>> = {
  "P-256": { alg: "ES256", octets: 32 },
  "P-384": { alg: "ES384", octets: 48 },
  "P-521": { alg: "ES512", octets: 66 },
};

/** Members that only private or symmetric keys have (RFC 7518, 6.2.2, 6.3.2, 6.4; `priv` of ML-DSA's type AKP). */
const SECRET_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

const MIN_RSA_BITS = 2048;

/** OpenSSL's limit; a longer key would only make the Auth Service slow. */
const MAX_RSA_BITS = 16384;

/** The keys of a JWKS that can let tbot join, and the others. */
export interface Jwks {
  /** In the order given, each once. */
  keys: PublicJwk[];
  leftOut: LeftOutKey[];
}

/** A key that no ServiceAccount token of Kubernetes is checked with. */
interface LeftOutKey {
  /** "Key 2 from the file keys.json (kid "x")". */
  name: string;
  /** Empty where it has none. */
  kid: string;
  kty: string;
  /** Why, to follow a colon. */
  reason: string;
}

/**
 * Reads a JWKS that a cluster publishes. Teleport stores the JWKS text unparsed and selects the key by `kid`, of
 * duplicates the first (Teleport api/types/provisioning.go, lib/kube/token/validator.go), so what would fail only at the
 * join is refused here. Keys that Kubernetes does not sign ServiceAccount tokens with are left out: the join token is
 * better off without them, because Teleport's library refuses a whole JWKS for one type of key that it does not know.
 * Of copies of a key, one remains.
 *
 * @param source how the sentences call the input: "the file keys.json", "standard input"
 * @throws ExitError (refused) that names the key and the fix, never key material; also when no key remains
 */
export function readJwks(bytes: Uint8Array, source: string): Jwks {
  const jwks = readKeys(bytes, source, publishedKey);
  if (jwks.keys.length === 0) {
    const reasons = jwks.leftOut.map(({ name, reason }) => `${name}: ${reason}`).join("; ");
    throw new ExitError(
      `No key from ${source} can let tbot join; give the JWKS that \`kubectl get --raw /openid/v1/jwks\` prints. ${reasons}.`,
    );
  }
  return jwks;
}

/** The keys of `readJwks` alone, for callers that need not tell which keys were left out. */
export function parseJwks(bytes: Uint8Array, source: string): PublicJwk[] {
  return readJwks(bytes, source).keys;
}

/**
 * Reads the JWKS inside a join token as Teleport's library does (go-jose v3): the members use, key_ops and alg decide
 * nothing there, so a key left out here by its type still lets whoever holds its private key join.
 *
 * @param source how the sentences call the input: "the stored token"
 * @throws ExitError (refused) for a JWKS that Teleport would refuse as a whole, or that could let a stranger in
 */
export function readTokenJwks(bytes: Uint8Array, source: string): Jwks {
  return readKeys(bytes, source, storedKey);
}

type Examined = { name: string; kid: string } & ({ key: PublicJwk } | { kty: string; reason: string });

function readKeys(
  bytes: Uint8Array,
  source: string,
  examine: (value: Record<string, unknown>, kid: string, name: string) => Examined,
): Jwks {
  const values = keysOf(parseStrictJson(bytes, source), source);
  if (values.length === 0) {
    throw new ExitError(`The JWKS from ${source} has no keys; give the one that the API server publishes.`);
  }
  const examined = values.map((value, index) => examineValue(value, `Key ${index + 1} from ${source}`, examine));
  const byKid = new Map<string, { index: number; key: PublicJwk }>();
  for (const [index, entry] of examined.entries()) {
    if (entry.kid === "" || !("key" in entry)) continue;
    const earlier = byKid.get(entry.kid);
    if (earlier === undefined) byKid.set(entry.kid, { index, key: entry.key });
    else if (!samePublicKey(earlier.key, entry.key)) {
      throw new ExitError(
        `Keys ${earlier.index + 1} and ${index + 1} from ${source} have the same kid ${JSON.stringify(entry.kid)}, and Teleport would try the first only; keep one of them.`,
      );
    }
  }
  const keys = [...byKid.values()].map(({ key }) => key);
  const leftOut = examined.flatMap((entry): LeftOutKey[] => {
    if (!("key" in entry)) return [entry];
    if (entry.kid !== "" || keys.some((key) => samePublicKey(key, entry.key))) return [];
    return [{ ...entry, kty: entry.key.kty, reason: "it has no kid, and Teleport selects the key by its kid" }];
  });
  return { keys, leftOut };
}

/**
 * The keys of `sets` in order, each key once, for a rotation during which tokens of the old and of the new key are in
 * use.
 *
 * @throws ExitError (refused) when two different keys have the same kid
 */
export function mergeJwks(sets: readonly (readonly PublicJwk[])[]): PublicJwk[] {
  const merged = new Map<string, PublicJwk>();
  for (const key of sets.flat()) {
    const known = merged.get(key.kid);
    if (known !== undefined && !samePublicKey(known, key)) {
      throw new ExitError(
        `Two different keys have the kid ${JSON.stringify(key.kid)}, and Teleport would try the first only; leave the wrong one out of the JWKS files.`,
      );
    }
    if (known === undefined) merged.set(key.kid, key);
  }
  return [...merged.values()];
}

/** The JWKS as one line of ASCII, the form that the join token contains. */
export function serializeJwks(keys: readonly PublicJwk[]): string {
  return JSON.stringify({ keys }).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** The algorithm that a key signs with: its `alg`, else what kty and crv say (RS256 for RSA, as Kubernetes does). */
export function algorithmOf(key: PublicJwk): string {
  return key.alg ?? CURVES[key.crv ?? ""]?.alg ?? "RS256";
}

/** Whether two keys are the same public key, whatever their kid, use and alg. */
export function samePublicKey(a: PublicJwk, b: PublicJwk): boolean {
  return a.kty === b.kty && a.n === b.n && a.e === b.e && a.crv === b.crv && a.x === b.x && a.y === b.y;
}

function keysOf(value: unknown, source: string): unknown[] {
  const hint = "give the JWKS that `kubectl get --raw /openid/v1/jwks` prints";
  if (typeof value === "string") {
    throw new ExitError(`What ${source} holds is a JSON string, not a JWKS; write the JWKS as it is, do not quote it.`);
  }
  if (Array.isArray(value)) {
    throw new ExitError(`What ${source} holds is a list, not a JWKS; a JWKS is {"keys": [...]}: ${hint}.`);
  }
  if (!isObject(value)) throw new ExitError(`What ${source} holds is not a JWKS; ${hint}.`);
  if (value.kind === "Status") {
    throw new ExitError(
      `What ${source} holds is an error of the Kubernetes API (a Status object), not a JWKS; reading /openid/v1/jwks needs the ClusterRole system:service-account-issuer-discovery.`,
    );
  }
  if ("jwks_uri" in value) {
    throw new ExitError(
      `What ${source} holds is the issuer's discovery document, which only points at the JWKS (jwks_uri); ${hint}.`,
    );
  }
  if ("kty" in value) {
    throw new ExitError(`What ${source} holds is a single key, not a JWKS; write it as {"keys": [<the key>]}.`);
  }
  if (!Array.isArray(value.keys)) {
    throw new ExitError(`What ${source} holds is not a JWKS: it has no list "keys"; ${hint}.`);
  }
  return value.keys;
}

function examineValue(value: unknown, position: string, examine: Parameters<typeof readKeys>[2]): Examined {
  if (!isObject(value)) throw new ExitError(`${position} is not a JSON object; give a JWKS with one object per key.`);
  // First, so that no later sentence tempts anyone to correct such a key and use it.
  refuseSecrets(value, position);
  const kid = value.kid ?? "";
  if (typeof kid !== "string") {
    throw new ExitError(`${position} has a kid that is not a text; give the JWKS with its key IDs.`);
  }
  if (/\p{Surrogate}/u.test(kid)) {
    throw new ExitError(
      `${position} has a kid that is not valid Unicode; give the JWKS exactly as the API server returns it.`,
    );
  }
  return examine(value, kid, kid === "" ? position : `${position} (kid ${JSON.stringify(kid)})`);
}

function publishedKey(value: Record<string, unknown>, kid: string, name: string): Examined {
  const reason = whyUnfit(value);
  if (reason !== undefined) return { name, kid, kty: show(value.kty), reason };
  return { name, kid, key: value.kty === "RSA" ? rsaKey(value, kid, name) : ecKey(value, kid, name) };
}

function storedKey(value: Record<string, unknown>, kid: string, name: string): Examined {
  const { kty, crv } = value;
  if (kty === "RSA") return { name, kid, key: rsaKey(value, kid, name) };
  if (kty === "EC" && curveOf(crv) !== undefined) return { name, kid, key: ecKey(value, kid, name) };
  if (kty === "OKP" && crv === "Ed25519") {
    base64url(value.x, "x", name);
    return { name, kid, kty, reason: UNSIGNED };
  }
  throw new ExitError(
    `${name} has the key type ${show(kty)}${kty === "EC" || kty === "OKP" ? ` on the curve ${show(crv)}` : ""}, for which Teleport refuses the whole JWKS; leave this key out.`,
  );
}

const UNSIGNED = "Kubernetes signs ServiceAccount tokens with RSA and EC keys only";

/** Why no ServiceAccount token is signed with a key, whatever its numbers; undefined where it may be. */
function whyUnfit(value: Record<string, unknown>): string | undefined {
  const { kty, crv } = value;
  const use = value.use ?? "sig";
  const operations = value.key_ops ?? ["verify"];
  if (kty !== "RSA" && kty !== "EC") return `it has the key type ${show(kty)}, and ${UNSIGNED}`;
  if (use !== "sig") return `it has the use ${show(use)}, not "sig"`;
  if (!Array.isArray(operations) || !operations.includes("verify")) return 'it has key_ops without "verify"';
  const curve = curveOf(crv);
  if (kty === "EC" && curve === undefined) {
    return `it is on the curve ${show(crv)}, and Kubernetes signs on P-256, P-384 and P-521 only`;
  }
  const expected = kty === "RSA" ? ["RS256", "RS384", "RS512"] : [curve?.alg];
  const algorithm = value.alg ?? expected[0];
  if (expected.some((known) => known === algorithm)) return undefined;
  return `it has the algorithm ${show(algorithm)}, and Kubernetes signs with ${expected.join(", ")} for ${kty === "RSA" ? "an RSA key" : `an EC key on ${crv}`}`;
}

function curveOf(crv: unknown): { alg: string; octets: number } | undefined {
  return typeof crv === "string" && Object.hasOwn(CURVES, crv) ? CURVES[crv] : undefined;
}

function refuseSecrets(value: Record<string, unknown>, position: string): void {
  if (value.kty === "oct") {
    throw new ExitError(
      `${position} is a symmetric key (kty oct): anyone who reads the token could sign with it; give public keys only.`,
    );
  }
  const secret = SECRET_MEMBERS.find((member) => member in value);
  if (secret !== undefined) {
    throw new ExitError(
      `${position} holds private key material (member ${JSON.stringify(secret)}), which must not leave the API server's host; give the public JWKS that \`kubectl get --raw /openid/v1/jwks\` prints.`,
    );
  }
}

function rsaKey(value: Record<string, unknown>, kid: string, name: string): PublicJwk {
  // Some issuers write a leading zero octet; without it, equal keys have equal texts.
  const n = withoutZeros(base64url(value.n, "n", name));
  const e = withoutZeros(base64url(value.e, "e", name));
  const details = load({ kty: "RSA", n, e }, name).asymmetricKeyDetails;
  const bits = details?.modulusLength ?? 0;
  if (bits < MIN_RSA_BITS) {
    throw new ExitError(
      `${name} is an RSA key of ${bits} bits; at least ${MIN_RSA_BITS} are needed: have the API server sign with a longer key.`,
    );
  }
  if (bits > MAX_RSA_BITS) {
    throw new ExitError(`${name} is an RSA key of ${bits} bits; at most ${MAX_RSA_BITS} make sense: leave it out.`);
  }
  if (((Buffer.from(n, "base64url").at(-1) ?? 0) & 1) === 0) {
    throw new ExitError(`${name} has an even RSA modulus, which no key has; fetch the JWKS from the API server again.`);
  }
  const exponent = details?.publicExponent ?? 0n;
  // Go's crypto/rsa, with which Teleport verifies, takes odd exponents from 3 to 2^31-1.
  if (exponent < 3n || exponent % 2n === 0n || exponent > 0x7fffffffn) {
    throw new ExitError(
      `${name} has an unusable RSA exponent; it is 65537 (AQAB) in practice: fetch the JWKS from the API server again.`,
    );
  }
  return { kty: "RSA", kid, ...use(value), ...alg(value), n, e };
}

function ecKey(value: Record<string, unknown>, kid: string, name: string): PublicJwk {
  const crv = String(value.crv);
  const curve = curveOf(crv);
  const x = base64url(value.x, "x", name);
  const y = base64url(value.y, "y", name);
  for (const [member, coordinate] of Object.entries({ x, y })) {
    const octets = Buffer.from(coordinate, "base64url").length;
    if (octets !== curve?.octets) {
      throw new ExitError(
        `${name} has a coordinate ${member} of ${octets} octets; on ${crv} it has ${curve?.octets}: fetch the JWKS from the API server again.`,
      );
    }
  }
  load({ kty: "EC", crv, x, y }, name);
  return { kty: "EC", kid, ...use(value), ...alg(value), crv, x, y };
}

/** Node's own check of the key: numbers that make a key, a point that lies on its curve. */
function load(key: JsonWebKey, name: string): KeyObject {
  try {
    return createPublicKey({ key, format: "jwk" });
  } catch {
    throw new ExitError(
      `${name} is not a valid ${key.kty} public key${key.kty === "EC" ? ` (its point is not on ${key.crv})` : ""}; fetch the JWKS from the API server again.`,
    );
  }
}

/** The text in its canonical form: without padding, the unused bits of its end zero. */
function base64url(value: unknown, member: string, name: string): string {
  // Teleport's library forgives padding.
  const text = typeof value === "string" ? value.replace(/=+$/, "") : "";
  if (!/^[A-Za-z0-9_-]+$/.test(text)) {
    throw new ExitError(
      `${name} has no base64url text in its member ${JSON.stringify(member)}; fetch the JWKS from the API server again.`,
    );
  }
  // A single character of a group of four carries six bits of an octet: Node drops it, Teleport's library refuses it.
  if (text.length % 4 === 1) {
    throw new ExitError(
      `${name} has base64url text of an impossible length in its member ${JSON.stringify(member)}: it was cut or has a character too many; fetch the JWKS from the API server again.`,
    );
  }
  return Buffer.from(text, "base64url").toString("base64url");
}

function withoutZeros(number: string): string {
  const octets = Buffer.from(number, "base64url");
  const first = octets.findIndex((octet) => octet !== 0);
  return octets.subarray(first === -1 ? octets.length - 1 : first).toString("base64url");
}

function use(value: Record<string, unknown>): { use?: "sig" } {
  return value.use === "sig" ? { use: "sig" } : {};
}

/** Only an algorithm of Kubernetes: of a stored key, Teleport reads no other either. */
function alg(value: Record<string, unknown>): { alg?: string } {
  const known = SIGNATURE_ALGORITHMS.find((algorithm) => algorithm === value.alg);
  return known === undefined ? {} : { alg: known };
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A short public value for a sentence; anything long or not a string is only described. */
function show(value: unknown): string {
  if (value === undefined) return "(none)";
  return typeof value === "string" && value.length <= 40 ? JSON.stringify(value) : "(not a short text)";
}
