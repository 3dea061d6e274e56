import { SignJWT } from "jose";
import { describe, expect, it } from "vitest";
import { joinCheck } from "../../../../tools/teleport/join/join-check.ts";
import { tokenDocument } from "../../../../tools/teleport/join/join-token.ts";
import { parseJwks } from "../../../../tools/teleport/join/jwks.ts";
import { ecKey, jwksBytes, rsaKey, type TestKey } from "../../support/keys.ts";
import { refusal } from "../../support/refusal.ts";

const NOW = Date.UTC(2026, 10, 24, 12);
const now = NOW / 1000;
const old = rsaKey("old");
const current = ecKey("current");
const names = { tokenName: "join", botName: "istio-tbot", serviceAccounts: ["teleport-system:tbot"] };
const document = tokenDocument(
  { ...names, means: { type: "static_jwks", keys: parseJwks(jwksBytes(old.jwk, current.jwk), "the test") } },
  "yaml",
);

/** The claims of a projected token, as the API server signs it for tbot. */
const claims = (): Record<string, unknown> => ({
  iss: "https://kubernetes.default.svc",
  sub: "system:serviceaccount:teleport-system:tbot",
  aud: ["example.teleport.sh"],
  iat: now,
  nbf: now,
  exp: now + 600,
  "kubernetes.io": { namespace: "teleport-system", pod: { name: "tbot-x7k2p", uid: "u" } },
});

async function signed(payload: object, key: TestKey, header: Record<string, string> = {}): Promise<string> {
  const alg = key.jwk.kty === "RSA" ? "RS256" : "ES256";
  return new SignJWT({ ...payload }).setProtectedHeader({ alg, kid: key.jwk.kid, ...header }).sign(key.privateKey);
}

const check = (jwt: string, more: object = {}) =>
  joinCheck({ jwt, document, clusterName: "example.teleport.sh", now: NOW, ...more });

async function reason(change: (claims: Record<string, unknown>) => void, more: object = {}): Promise<string> {
  const changed = claims();
  change(changed);
  const result = await check(await signed(changed, current), more);
  return result.joins ? "joins" : result.reason;
}

describe("joinCheck", () => {
  it.each([old, current])("takes the API server's token, signed with any key of the document", async (key) => {
    expect(await check(await signed(claims(), key))).toEqual({
      joins: true,
      subject: "system:serviceaccount:teleport-system:tbot",
      pod: "tbot-x7k2p",
      kid: key.jwk.kid,
      lifeSeconds: 600,
    });
  });

  it("takes a JSON document too", async () => {
    const keys = parseJwks(jwksBytes(current.jwk), "the test");
    const json = tokenDocument({ ...names, means: { type: "static_jwks", keys } }, "json");
    expect(await check(await signed(claims(), current), { document: json })).toMatchObject({ joins: true });
  });

  it.each<[string, (c: Record<string, unknown>) => void]>([
    [
      "one audience of several",
      (c) => {
        c.aud = ["x", "example.teleport.sh"];
      },
    ],
    [
      "an audience that is no list",
      (c) => {
        c.aud = "example.teleport.sh";
      },
    ],
    [
      "a life of exactly 30 minutes",
      (c) => {
        c.exp = now + 1800;
      },
    ],
    [
      "10 s after its end",
      (c) => {
        c.iat = now - 610;
        c.exp = now - 10;
      },
    ],
    [
      "10 s before its start",
      (c) => {
        c.iat = now + 10;
        c.nbf = now + 10;
        c.exp = now + 610;
      },
    ],
    [
      "no nbf",
      (c) => {
        delete c.nbf;
      },
    ],
    [
      "any issuer, which Teleport does not check",
      (c) => {
        c.iss = "https://other";
      },
    ],
  ])("takes %s", async (_, change) => {
    expect(await reason(change)).toBe("joins");
  });

  it.each<[string, (c: Record<string, unknown>) => void, string]>([
    [
      "another audience",
      (c) => {
        c.aud = ["https://kubernetes.default.svc"];
      },
      'its audience is "https://kubernetes.default.svc", and Teleport wants its cluster name "example.teleport.sh"',
    ],
    [
      "a part of the audience",
      (c) => {
        c.aud = "example.teleport.sh.evil";
      },
      "its audience is",
    ],
    [
      "no audience",
      (c) => {
        delete c.aud;
      },
      "its audience is not set",
    ],
    [
      "no exp",
      (c) => {
        delete c.exp;
      },
      "it says not when it was issued and when it expires",
    ],
    [
      "no iat",
      (c) => {
        delete c.iat;
      },
      "it says not when it was issued and when it expires",
    ],
    [
      "11 s after its end",
      (c) => {
        c.iat = now - 611;
        c.exp = now - 11;
      },
      "it has expired",
    ],
    [
      "11 s before its start",
      (c) => {
        c.iat = now + 11;
        c.exp = now + 611;
      },
      "it is not valid yet",
    ],
    [
      "11 s before nbf",
      (c) => {
        c.nbf = now + 11;
      },
      "it is not valid yet",
    ],
    [
      "no pod",
      (c) => {
        c["kubernetes.io"] = { namespace: "teleport-system" };
      },
      "it is not bound to a pod",
    ],
    [
      "no claims of Kubernetes",
      (c) => {
        delete c["kubernetes.io"];
      },
      "it is not bound to a pod",
    ],
    [
      "a life of 30 minutes and a second",
      (c) => {
        c.exp = now + 1801;
      },
      "it lives 1801 s, and Teleport takes at most 1800 s",
    ],
    [
      "another ServiceAccount",
      (c) => {
        c.sub = "system:serviceaccount:default:tbot";
      },
      'its subject is "system:serviceaccount:default:tbot", and the join token allows teleport-system:tbot',
    ],
    [
      "a user of that name",
      (c) => {
        c.sub = "teleport-system:tbot";
      },
      "its subject is",
    ],
  ])("refuses %s", async (_, change, sentence) => {
    expect(await reason(change)).toContain(sentence);
  });

  it("leaves the allow list out for another pod, and nothing else", async () => {
    const other = (c: Record<string, unknown>) => {
      c.sub = "system:serviceaccount:default:default";
    };
    expect(await reason(other, { anyServiceAccount: true })).toBe("joins");
    expect(
      await reason(
        (c) => {
          other(c);
          c.aud = "x";
        },
        { anyServiceAccount: true },
      ),
    ).toContain("its audience is");
  });

  it("refuses the key of another cluster", async () => {
    expect(await check(await signed(claims(), ecKey("foreign")))).toEqual({
      joins: false,
      reason: 'it is signed with the key "foreign", and the join token holds "old", "current"',
    });
  });

  it("refuses another key under a known kid", async () => {
    const result = await check(await signed(claims(), ecKey("current")));
    expect(result).toMatchObject({ joins: false, reason: expect.stringContaining('does not match the key "current"') });
  });

  it("refuses a token without kid", async () => {
    const jwt = await new SignJWT(claims()).setProtectedHeader({ alg: "ES256" }).sign(current.privateKey);
    expect(await check(jwt)).toMatchObject({
      joins: false,
      reason: expect.stringContaining("signed with the key (none)"),
    });
  });

  it("refuses changed claims, no signature and text that is no JWT", async () => {
    const [header, , signature] = (await signed(claims(), current)).split(".");
    const forged = Buffer.from(JSON.stringify({ ...claims(), sub: "x" })).toString("base64url");
    const none = Buffer.from(JSON.stringify({ alg: "none", kid: "current" })).toString("base64url");
    for (const jwt of [`${header}.${forged}.${signature}`, `${none}.${forged}.`, "a.b.c", "", "x"]) {
      expect(await check(jwt)).toMatchObject({ joins: false });
    }
  });

  it("refuses a PS256 signature of an RSA key, which Kubernetes never makes", async () => {
    expect(await check(await signed(claims(), old, { alg: "PS256" }))).toMatchObject({ joins: false });
  });

  it("cannot check a document without keys", async () => {
    const keyless = tokenDocument({ ...names, means: { type: "in_cluster" } }, "yaml");
    expect(await refusal(() => check("x", { document: keyless }))).toContain("only the type static_jwks can");
  });

  it("refuses a JWKS that Teleport's library cannot read", async () => {
    const jwks = JSON.stringify({ keys: [{ ...old.jwk, e: "AQABA" }, current.jwk] });
    const cut = { spec: { kubernetes: { static_jwks: { jwks }, allow: [] } } };
    const attempt = async () => check(await signed(claims(), current), { document: JSON.stringify(cut) });
    expect(await refusal(attempt)).toContain('impossible length in its member "e"');
  });
});
