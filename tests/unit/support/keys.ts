import { generateKeyPairSync, type JsonWebKey, type KeyObject } from "node:crypto";

/** A key pair with its private half, and the public half as a JWK with this kid. */
export interface TestKey {
  privateKey: KeyObject;
  jwk: JsonWebKey & { kid: string };
}

export function rsaKey(kid: string, modulusLength = 2048): TestKey {
  return named(kid, generateKeyPairSync("rsa", { modulusLength }));
}

export function ecKey(kid: string, namedCurve = "P-256"): TestKey {
  return named(kid, generateKeyPairSync("ec", { namedCurve }));
}

function named(kid: string, pair: { publicKey: KeyObject; privateKey: KeyObject }): TestKey {
  return { privateKey: pair.privateKey, jwk: { ...pair.publicKey.export({ format: "jwk" }), kid } };
}

/** The bytes of a JWKS with these keys. */
export function jwksBytes(...keys: unknown[]): Buffer {
  return Buffer.from(JSON.stringify({ keys }));
}
