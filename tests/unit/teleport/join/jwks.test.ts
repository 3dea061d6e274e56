import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ExitError } from "../../../../tools/base/exit-error.ts";
import {
  algorithmOf,
  mergeJwks,
  parseJwks,
  readJwks,
  readTokenJwks,
  serializeJwks,
} from "../../../../tools/teleport/join/jwks.ts";
import { ecKey, jwksBytes, rsaKey } from "../../support/keys.ts";
import { refusal } from "../../support/refusal.ts";

const rsa = rsaKey("rsa-1");
const ec = ecKey("ec-1");
const parse = (bytes: Uint8Array) => parseJwks(bytes, "the file keys.json");
const one = (key: object) => jwksBytes(key);

/** The same point with the last bit of y flipped: it fits the form, but lies on no curve. */
function offCurve(jwk: { y?: string | undefined }): string {
  const y = Buffer.from(jwk.y ?? "", "base64url");
  y[y.length - 1] = (y.at(-1) ?? 0) ^ 1;
  return y.toString("base64url");
}

describe("parseJwks", () => {
  it.each([
    ["RS256", rsa],
    ["RS384", rsa],
    ["RS512", rsa],
    ["ES256", ec],
    ["ES384", ecKey("ec-2", "P-384")],
    ["ES512", ecKey("ec-3", "P-521")],
  ])("takes a key of %s, with and without alg", (alg, { jwk }) => {
    expect(parse(one({ ...jwk, alg, use: "sig" }))).toHaveLength(1);
    expect(parse(one(jwk))).toHaveLength(1);
    expect(algorithmOf({ ...(jwk as never as ReturnType<typeof parse>[0]), alg })).toBe(alg);
  });

  it("names the algorithm of a key without alg by its type and curve", () => {
    const keys = parse(jwksBytes(rsa.jwk, ec.jwk, ecKey("ec-2", "P-384").jwk, ecKey("ec-3", "P-521").jwk));
    expect(keys.map(algorithmOf)).toEqual(["RS256", "ES256", "ES384", "ES512"]);
  });

  it.each(["Aw", "AQAB", "f____w"])("takes the RSA exponent %s", (exponent) => {
    expect(parse(one({ ...rsa.jwk, e: exponent }))).toHaveLength(1);
  });

  it("keeps the order of the keys and only the public members, in one order", () => {
    const { kty, n, e } = rsa.jwk;
    const bytes = jwksBytes(
      { x5c: ["MIIB"], e, n, use: "sig", alg: "RS256", kid: "rsa-1", kty, note: "mine", key_ops: ["verify"] },
      ec.jwk,
    );
    expect(JSON.stringify(parse(bytes))).toBe(
      JSON.stringify([
        { kty, kid: "rsa-1", use: "sig", alg: "RS256", n, e },
        { kty: "EC", kid: "ec-1", crv: "P-256", x: ec.jwk.x, y: ec.jwk.y },
      ]),
    );
  });

  const { n, e } = rsa.jwk;
  const privateRsa = { ...rsa.privateKey.export({ format: "jwk" }), kid: "rsa-1" };
  const privateEc = { ...ec.privateKey.export({ format: "jwk" }), kid: "ec-1" };
  const ed25519 = generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" });
  const even = Buffer.from(n ?? "", "base64url");
  even[even.length - 1] = (even.at(-1) ?? 0) & 0xfe;

  it.each<[string, unknown, string]>([
    ["an empty set", { keys: [] }, "has no keys"],
    ["a list", [rsa.jwk], "is a list, not a JWKS"],
    ["a single key", rsa.jwk, 'is a single key, not a JWKS; write it as {"keys": [<the key>]}'],
    ["a string", JSON.stringify({ keys: [rsa.jwk] }), "is a JSON string, not a JWKS; write the JWKS as it is"],
    ["a number", 1, "is not a JWKS; give"],
    ["null", null, "is not a JWKS; give"],
    ["an object without keys", { key: [] }, 'it has no list "keys"'],
    ["keys that are no list", { keys: rsa.jwk }, 'it has no list "keys"'],
    ["the discovery document", { issuer: "https://i", jwks_uri: "https://i/jwks" }, "discovery document"],
    ["an error of the API", { kind: "Status", code: 403 }, "system:service-account-issuer-discovery"],
    ["a key that is no object", { keys: ["RSA"] }, "Key 1 from the file keys.json is not a JSON object"],
    ["a private RSA key", { keys: [privateRsa] }, 'private key material (member "d")'],
    ["a private EC key", { keys: [rsa.jwk, privateEc] }, "Key 2 from the file keys.json holds private key material"],
    ["a private key without kid", { keys: [{ ...privateEc, kid: undefined }] }, "private key material"],
    ["a prime of a private key", { keys: [{ ...rsa.jwk, p: "AQAB" }] }, 'private key material (member "p")'],
    ["a null private member", { keys: [{ ...rsa.jwk, dq: null }] }, 'private key material (member "dq")'],
    ["a symmetric key", { keys: [{ kty: "oct", kid: "s", k: "c2VjcmV0" }] }, "is a symmetric key (kty oct)"],
    ["a symmetric member", { keys: [{ ...rsa.jwk, k: "c2VjcmV0" }] }, 'private key material (member "k")'],
    ["no kid", { keys: [{ ...rsa.jwk, kid: undefined }] }, "Key 1 from the file keys.json: it has no kid"],
    ["an empty kid", { keys: [{ ...rsa.jwk, kid: "" }] }, "has no kid"],
    ["a kid that is a number", { keys: [{ ...rsa.jwk, kid: 1 }] }, "has a kid that is not a text"],
    ["half a surrogate pair in the kid", { keys: [{ ...rsa.jwk, kid: "\ud800" }] }, "not valid Unicode"],
    [
      "a duplicate kid",
      { keys: [rsa.jwk, ec.jwk, { ...ec.jwk, kid: "rsa-1" }] },
      'Keys 1 and 3 from the file keys.json have the same kid "rsa-1"',
    ],
    ["no key type", { keys: [{ ...rsa.jwk, kty: undefined }] }, "has the key type (none)"],
    ["Ed25519", { keys: [{ ...ed25519, kid: "ed" }] }, 'has the key type "OKP", and Kubernetes signs'],
    ["the use enc", { keys: [{ ...rsa.jwk, use: "enc" }] }, 'has the use "enc", not "sig"'],
    ["key_ops without verify", { keys: [{ ...rsa.jwk, key_ops: ["encrypt"] }] }, 'key_ops without "verify"'],
    ["key_ops that are no list", { keys: [{ ...rsa.jwk, key_ops: "verify" }] }, 'key_ops without "verify"'],
    [
      "PS256",
      { keys: [{ ...rsa.jwk, alg: "PS256" }] },
      'has the algorithm "PS256", and Kubernetes signs with RS256, RS384, RS512 for an RSA key',
    ],
    ["HS256", { keys: [{ ...rsa.jwk, alg: "HS256" }] }, 'has the algorithm "HS256"'],
    ["none", { keys: [{ ...rsa.jwk, alg: "none" }] }, 'has the algorithm "none"'],
    ["an alg that is a number", { keys: [{ ...rsa.jwk, alg: 1 }] }, "has the algorithm (not a short text)"],
    [
      "an alg of another type of key",
      { keys: [{ ...ec.jwk, alg: "RS256" }] },
      "signs with ES256 for an EC key on P-256",
    ],
    ["an alg of another curve", { keys: [{ ...ec.jwk, alg: "ES384" }] }, "signs with ES256 for an EC key on P-256"],
    ["RSA of 1024 bits", { keys: [rsaKey("short", 1024).jwk] }, "is an RSA key of 1024 bits; at least 2048"],
    ["RSA of 2047 bits", { keys: [rsaKey("short", 2047).jwk] }, "is an RSA key of 2047 bits"],
    [
      "RSA of 16392 bits",
      { keys: [{ ...rsa.jwk, n: `_${"_".repeat(2731)}` }] },
      "is an RSA key of 16392 bits; at most 16384",
    ],
    ["no modulus", { keys: [{ ...rsa.jwk, n: undefined }] }, 'no base64url text in its member "n"'],
    ["an exponent of impossible length", { keys: [{ ...rsa.jwk, e: "AQABA" }] }, 'impossible length in its member "e"'],
    ["a coordinate of impossible length", { keys: [{ ...ec.jwk, x: `${ec.jwk.x}AA` }] }, 'length in its member "x"'],
    ["a private ML-DSA key", { keys: [rsa.jwk, { kty: "AKP", kid: "m", priv: "AA" }] }, '(member "priv")'],
    ["plain base64", { keys: [{ ...rsa.jwk, n: "a+/b" }] }, 'no base64url text in its member "n"'],
    ["an even modulus", { keys: [{ ...rsa.jwk, n: even.toString("base64url") }] }, "has an even RSA modulus"],
    ["the exponent 1", { keys: [{ ...rsa.jwk, e: "AQ" }] }, "unusable RSA exponent"],
    ["the exponent 0", { keys: [{ ...rsa.jwk, e: "AA" }] }, "RSA"],
    ["an even exponent", { keys: [{ ...rsa.jwk, e: "AQAA" }] }, "unusable RSA exponent"],
    ["a huge exponent", { keys: [{ ...rsa.jwk, e: "AQAAAAE" }] }, "unusable RSA exponent"],
    ["an exponent that is a number", { keys: [{ ...rsa.jwk, e: 65537 }] }, 'no base64url text in its member "e"'],
    [
      "secp256k1",
      { keys: [{ ...ecKey("k", "secp256k1").jwk }] },
      'is on the curve "secp256k1", and Kubernetes signs on P-256',
    ],
    ["a curve of Object.prototype", { keys: [{ ...ec.jwk, crv: "constructor" }] }, 'is on the curve "constructor"'],
    ["no curve", { keys: [{ ...ec.jwk, crv: undefined }] }, "is on the curve (none)"],
    ["a point off its curve", { keys: [{ ...ec.jwk, y: offCurve(ec.jwk) }] }, "(its point is not on P-256)"],
    [
      "a point of another curve",
      { keys: [{ ...ec.jwk, crv: "P-384" }] },
      "has a coordinate x of 32 octets; on P-384 it has 48",
    ],
    [
      "a coordinate with a leading zero octet",
      {
        keys: [
          {
            ...ec.jwk,
            x: Buffer.from(`00${Buffer.from(ec.jwk.x ?? "", "base64url").toString("hex")}`, "hex").toString(
              "base64url",
            ),
          },
        ],
      },
      "of 33 octets",
    ],
    ["no y", { keys: [{ ...ec.jwk, y: undefined }] }, 'no base64url text in its member "y"'],
  ])("refuses %s", async (_, value, sentence) => {
    const message = await refusal(() => parse(Buffer.from(JSON.stringify(value))));
    expect(message).toContain(sentence);
    expect(message).toMatch(/[;:,] .+\.$/);
  });

  it("never repeats key material", async () => {
    const secrets = [privateRsa.d, privateRsa.p, privateEc.d, n, e === "AQAB" ? undefined : e].filter((s) => s);
    for (const key of [privateRsa, privateEc, { ...privateRsa, kty: "x" }, { ...rsa.jwk, alg: n, use: "enc" }]) {
      const message = await refusal(() => parse(one(key)));
      for (const secret of secrets) expect(message).not.toContain(secret);
    }
    expect(await refusal(() => parse(one({ ...rsa.jwk, alg: n })))).not.toContain(n);
  });

  it("either refuses damaged input in one sentence or returns whole keys", () => {
    const good = jwksBytes({ ...rsa.jwk, alg: "RS256" }, ec.jwk);
    // A fixed seed: a failure is the same at every run.
    let state = 20261124;
    const random = (below: number) => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return state % below;
    };
    let refused = 0;
    for (let round = 0; round < 1500; round++) {
      const bytes = Buffer.from(good);
      for (let edits = 1 + random(3); edits > 0; edits--) bytes[random(bytes.length)] = random(256);
      try {
        for (const key of parse(bytes)) expect(key).toEqual(expect.objectContaining({ kid: expect.any(String) }));
      } catch (error) {
        if (!(error instanceof ExitError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(500);
  });
});

describe("JWKS of real clusters", () => {
  const { n, e } = rsa.jwk;
  const ed25519 = { ...generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }), kid: "ed" };
  const mlDsa = { kty: "AKP", alg: "ML-DSA-65", kid: "pq", pub: "AAAA" };
  const zeroed = Buffer.concat([Buffer.of(0), Buffer.from(n ?? "", "base64url")]).toString("base64url");

  // Input → before (2026-11) → what remains, and the kids that a warning names. Before is there for the reader.
  it.each<[string, unknown[], string, string[], string[]]>([
    ["a key twice", [rsa.jwk, rsa.jwk], "refused: same kid", ["rsa-1"], []],
    ["a key twice, once with alg", [rsa.jwk, { ...rsa.jwk, alg: "RS256" }], "refused: same kid", ["rsa-1"], []],
    ["a key twice, once with a leading zero", [rsa.jwk, { ...rsa.jwk, n: zeroed }], "refused", ["rsa-1"], []],
    ["a copy without kid", [{ ...rsa.jwk, kid: undefined }, rsa.jwk], "refused: no kid", ["rsa-1"], []],
    ["a copy with an empty kid", [rsa.jwk, { ...rsa.jwk, kid: "" }], "refused: no kid", ["rsa-1"], []],
    ["another key without kid", [{ ...ec.jwk, kid: null }, rsa.jwk], "refused: no kid", ["rsa-1"], ["it has no kid"]],
    ["ML-DSA", [mlDsa, rsa.jwk], "refused: key type", ["rsa-1"], ['(kid "pq") it has the key type "AKP"']],
    ["Ed25519", [rsa.jwk, ed25519], "refused: key type", ["rsa-1"], ['(kid "ed") it has the key type "OKP"']],
    ["an encryption key", [{ ...ec.jwk, use: "enc" }, rsa.jwk], "refused: use", ["rsa-1"], ['the use "enc"']],
    [
      "an encryption key of the same kid",
      [{ ...ec.jwk, kid: "rsa-1", use: "enc" }, rsa.jwk],
      "refused",
      ["rsa-1"],
      ['"enc"'],
    ],
    ["PS256", [{ ...rsa.jwk, alg: "PS256" }, ec.jwk], "refused: algorithm", ["ec-1"], ['the algorithm "PS256"']],
    ["RSA-OAEP", [{ ...rsa.jwk, alg: "RSA-OAEP" }, ec.jwk], "refused: algorithm", ["ec-1"], ['"RSA-OAEP"']],
    ["secp256k1", [ecKey("k", "secp256k1").jwk, ec.jwk], "refused: curve", ["ec-1"], ['the curve "secp256k1"']],
    ["a use and an alg that are null", [{ ...rsa.jwk, use: null, alg: null }], "refused", ["rsa-1"], []],
    ["padding", [{ ...rsa.jwk, e: `${e}====`, n: `${n}==` }], "refused: no base64url", ["rsa-1"], []],
  ])("%s: what lets tbot join remains", (_, keys, _before, kids, warned) => {
    const jwks = readJwks(jwksBytes(...keys), "the file keys.json");
    expect(jwks.keys.map(({ kid }) => kid)).toEqual(kids);
    for (const key of jwks.keys) expect(key).toEqual(parse(one(key.kid === "rsa-1" ? rsa.jwk : ec.jwk))[0]);
    expect(jwks.leftOut.map(({ name, reason }) => `${name} ${reason}`)).toEqual(
      warned.map((text) => expect.stringContaining(text)),
    );
  });

  it("where nothing remains, every reason is told", async () => {
    const message = await refusal(() => parse(jwksBytes(mlDsa, { ...rsa.jwk, use: "enc" })));
    expect(message).toContain("No key from the file keys.json can let tbot join; give the JWKS that");
    expect(message).toContain('Key 1 from the file keys.json (kid "pq"): it has the key type "AKP"');
    expect(message).toContain('Key 2 from the file keys.json (kid "rsa-1"): it has the use "enc"');
  });

  // What go-jose v3.0.5, Teleport's library, made of each when it ran (json.Unmarshal into jose.JSONWebKeySet).
  it.each<[string, unknown[], string | RegExp]>([
    ["two copies", [rsa.jwk, rsa.jwk], "rsa-1"],
    ["an encryption key, which may join there", [{ ...rsa.jwk, use: "enc", key_ops: ["encrypt"] }], "rsa-1"],
    ["a strange algorithm, which is not read", [{ ...rsa.jwk, alg: "PS256" }], "rsa-1"],
    ["Ed25519 beside RSA", [ed25519, rsa.jwk], "rsa-1"],
    ["padding", [{ ...rsa.jwk, e: `${e}=` }], "rsa-1"],
    ["ML-DSA beside RSA", [rsa.jwk, mlDsa], /key type "AKP", for which Teleport refuses the whole JWKS/],
    ["secp256k1 beside RSA", [rsa.jwk, ecKey("k", "secp256k1").jwk], /on the curve "secp256k1", for which Teleport/],
    ["an exponent of impossible length", [{ ...rsa.jwk, e: "AQABA" }], /impossible length in its member "e"/],
    ["Ed25519 of impossible length", [rsa.jwk, { ...ed25519, x: "AAAAA" }], /impossible length in its member "x"/],
  ])("of a join token is read as Teleport does: %s", async (_, keys, expected) => {
    const read = () => readTokenJwks(jwksBytes(...keys), "the stored token");
    if (typeof expected === "string") expect(read().keys.map(({ kid }) => kid)).toEqual([expected]);
    else expect(await refusal(read)).toMatch(expected);
  });
});

describe("mergeJwks", () => {
  const [a, b] = parse(jwksBytes(rsa.jwk, ec.jwk)) as [ReturnType<typeof parse>[0], ReturnType<typeof parse>[0]];

  it("keeps each key once, in order", () => {
    expect(mergeJwks([[a], [b, a]])).toEqual([a, b]);
  });

  it("takes the same key with and without alg", () => {
    expect(mergeJwks([[{ ...a, alg: "RS256" }], [a]])).toEqual([{ ...a, alg: "RS256" }]);
  });

  it("refuses two different keys of one kid", async () => {
    const other = parse(one(rsaKey("rsa-1").jwk));
    expect(await refusal(() => mergeJwks([[a], other]))).toContain('Two different keys have the kid "rsa-1"');
  });
});

describe("serializeJwks", () => {
  it("is one line of printable ASCII that reads back the same", () => {
    const kid = 'é\u0085\u2028\u007f\n"\\ 😀';
    const keys = parse(one({ ...rsa.jwk, kid }));
    const text = serializeJwks(keys);
    expect(text).toMatch(/^[\x20-\x7e]+$/);
    expect(parseJwks(Buffer.from(text), "again")).toEqual(keys);
  });
});
