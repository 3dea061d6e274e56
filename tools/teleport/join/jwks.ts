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

/** Members that only private or symmetric keys have (RFC 7518, 6.2.2, 6.3.2, 6.4). */
const SECRET_MEMBERS = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

const MIN_RSA_BITS = 2048;

/** OpenSSL's limit; a longer key would only make the Auth Service slow. */
const MAX_RSA_BITS = 16384;

/**
 * Reads a JWKS and returns its public keys in the order given. Everything that Teleport would accept at `tctl create`
 * and then refuse (or misread) at the join is refused here: Teleport stores the JWKS text unparsed and selects the key
 * by `kid`, of duplicates the first (Teleport api/types/provisioning.go, lib/kube/token/validator.go).
 *
 * @param source how the sentences call the input: "the file keys.json", "standard input"
 * @throws ExitError (refused) that names the key and the fix, never key material
 */
export function parseJwks(bytes: Uint8Array, source: string): PublicJwk[] {
  const keys = keysOf(parseStrictJson(bytes, source), source);
  if (keys.length === 0) {
    throw new ExitError(`The JWKS from ${source} has no keys; give the one that the API server publishes.`);
  }
  const parsed = keys.map((key, index) => publicKey(key, `Key ${index + 1} from ${source}`));
  const positions = new Map<string, number>();
  for (const [index, { kid }] of parsed.entries()) {
    const earlier = positions.get(kid);
    if (earlier !== undefined) {
      throw new ExitError(
        `Keys ${earlier + 1} and ${index + 1} from ${source} have the same kid ${JSON.stringify(kid)}, and Teleport would try the first only; keep one of them.`,
      );
    }
    positions.set(kid, index);
  }
  return parsed;
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

function publicKey(value: unknown, position: string): PublicJwk {
  if (!isObject(value)) throw new ExitError(`${position} is not a JSON object; give a JWKS with one object per key.`);
  // First, so that no later sentence tempts anyone to correct such a key and use it.
  refuseSecrets(value, position);
  const { kid, kty } = value;
  if (typeof kid !== "string" || kid === "") {
    throw new ExitError(
      `${position} has no kid, and Teleport selects the key by its kid; give the JWKS with its key IDs.`,
    );
  }
  if (/\p{Surrogate}/u.test(kid)) {
    throw new ExitError(
      `${position} has a kid that is not valid Unicode; give the JWKS exactly as the API server returns it.`,
    );
  }
  const name = `${position} (kid ${JSON.stringify(kid)})`;
  if (kty !== "RSA" && kty !== "EC") {
    throw new ExitError(
      `${name} has the key type ${show(kty)}; Kubernetes signs service account tokens with RSA or EC keys only: leave this key out.`,
    );
  }
  checkUse(value, name);
  const key = kty === "RSA" ? rsaKey(value, kid, name) : ecKey(value, kid, name);
  checkAlgorithm(value.alg, key, name);
  return key;
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

function checkUse(value: Record<string, unknown>, name: string): void {
  if (value.use !== undefined && value.use !== "sig") {
    throw new ExitError(`${name} has the use ${show(value.use)}, not "sig"; leave it out: it signs no tokens.`);
  }
  const operations = value.key_ops;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes("verify"))) {
    throw new ExitError(`${name} has key_ops without "verify"; leave it out: it may not check signatures.`);
  }
}

function checkAlgorithm(alg: unknown, key: PublicJwk, name: string): void {
  if (alg === undefined) return;
  const expected = key.kty === "RSA" ? ["RS256", "RS384", "RS512"] : [CURVES[key.crv ?? ""]?.alg ?? ""];
  if (typeof alg !== "string" || !expected.includes(alg)) {
    throw new ExitError(
      `${name} has the algorithm ${show(alg)}; for ${key.kty === "RSA" ? "an RSA key" : `an EC key on ${key.crv}`} it is ${expected.join(", ")}: leave this key out or correct its alg.`,
    );
  }
}

function rsaKey(value: Record<string, unknown>, kid: string, name: string): PublicJwk {
  const n = base64url(value.n, "n", name);
  const e = base64url(value.e, "e", name);
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
  const { crv } = value;
  const curve = typeof crv === "string" && Object.hasOwn(CURVES, crv) ? CURVES[crv] : undefined;
  if (typeof crv !== "string" || curve === undefined) {
    throw new ExitError(`${name} is on the curve ${show(crv)}; P-256, P-384 and P-521 are supported: leave it out.`);
  }
  const x = base64url(value.x, "x", name);
  const y = base64url(value.y, "y", name);
  for (const [member, coordinate] of Object.entries({ x, y })) {
    const octets = Buffer.from(coordinate, "base64url").length;
    if (octets !== curve.octets) {
      throw new ExitError(
        `${name} has a coordinate ${member} of ${octets} octets; on ${crv} it has ${curve.octets}: fetch the JWKS from the API server again.`,
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

function base64url(value: unknown, member: string, name: string): string {
  if (typeof value !== "string" || !/^[A-Za-z0-9_-]+$/.test(value)) {
    throw new ExitError(
      `${name} has no base64url text in its member ${JSON.stringify(member)}; fetch the JWKS from the API server again.`,
    );
  }
  return value;
}

function use(value: Record<string, unknown>): { use?: "sig" } {
  return value.use === "sig" ? { use: "sig" } : {};
}

function alg(value: Record<string, unknown>): { alg?: string } {
  return typeof value.alg === "string" ? { alg: value.alg } : {};
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A short public value for a sentence; anything long or not a string is only described. */
function show(value: unknown): string {
  if (value === undefined) return "(none)";
  return typeof value === "string" && value.length <= 40 ? JSON.stringify(value) : "(not a short text)";
}
