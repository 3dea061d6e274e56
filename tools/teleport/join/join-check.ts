import { compactVerify, decodeProtectedHeader, importJWK } from "jose";
import { parse } from "yaml";
import { ExitError } from "../../base/exit-error.ts";
import { readTokenJwks, SIGNATURE_ALGORITHMS } from "./jwks.ts";

/** Longest life of a ServiceAccount token that may join, in seconds; equality is accepted. */
const MAX_LIFE = 30 * 60;

/** Clock skew that Teleport allows on exp, nbf and iat, in seconds. */
const LEEWAY = 10;

/** What a join attempt would come to. */
export type JoinCheck =
  | { joins: true; subject: string; pod: string; kid: string; lifeSeconds: number }
  | { joins: false; reason: string };

/**
 * Checks a ServiceAccount token against a join token of type static_jwks as Teleport's Auth Service does (Teleport
 * lib/kube/token/validator.go and join.go): the key chosen by `kid` from the document's own JWKS, signature, audience,
 * times, bound pod, life, and the allow list. The issuer is not checked, as there. Stricter in one point: only the
 * algorithms of Kubernetes, while Teleport's library also takes PS256 and its like.
 *
 * @param document the join token as it is printed, YAML or JSON
 * @param clusterName Teleport's cluster name, which the audience must contain
 * @param now as Date.now() gives it
 * @param anyServiceAccount leaves the allow list out: a token of some other pod proves the keys only
 * @throws ExitError (refused) when the document has no JWKS to check against
 */
export async function joinCheck(input: {
  jwt: string;
  document: string;
  clusterName: string;
  now: number;
  anyServiceAccount?: boolean;
}): Promise<JoinCheck> {
  const { static_jwks: source, allow } = (parse(input.document) as TokenDocument).spec.kubernetes;
  if (source === undefined) {
    throw new ExitError("A join token without keys cannot be checked here; only the type static_jwks can.");
  }
  const { keys } = readTokenJwks(Buffer.from(source.jwks), "the join token");
  let kid: string | undefined;
  let claims: Claims;
  try {
    const header = decodeProtectedHeader(input.jwt);
    kid = header.kid;
    const key = keys.find((candidate) => candidate.kid === kid);
    if (key === undefined) {
      const known = keys.map((candidate) => JSON.stringify(candidate.kid)).join(", ");
      const signer = kid === undefined ? "(none)" : JSON.stringify(kid);
      return refusal(`it is signed with the key ${signer}, and the join token holds ${known}`);
    }
    const verified = await compactVerify(input.jwt, await importJWK({ ...key }, header.alg), {
      algorithms: [...SIGNATURE_ALGORITHMS],
    });
    claims = JSON.parse(new TextDecoder().decode(verified.payload));
  } catch (error) {
    return refusal(`its signature does not match the key ${JSON.stringify(kid)} (${(error as Error).message})`);
  }
  const reason = refusedClaim(claims, input) ?? (input.anyServiceAccount ? undefined : notAllowed(claims, allow));
  if (reason !== undefined) return refusal(reason);
  const { sub = "", iat = 0, exp = 0 } = claims;
  return {
    joins: true,
    subject: sub,
    pod: claims["kubernetes.io"]?.pod?.name ?? "",
    kid: kid ?? "",
    lifeSeconds: exp - iat,
  };
}

interface TokenDocument {
  spec: { kubernetes: { static_jwks?: { jwks: string }; allow: { service_account: string }[] } };
}

interface Claims {
  sub?: string;
  aud?: string | string[];
  exp?: number;
  iat?: number;
  nbf?: number;
  "kubernetes.io"?: { pod?: { name?: string } };
}

function refusedClaim(claims: Claims, { clusterName, now }: { clusterName: string; now: number }): string | undefined {
  const { exp, iat, nbf } = claims;
  const audiences = claims.aud === undefined ? [] : [claims.aud].flat();
  const seconds = now / 1000;
  if (!audiences.includes(clusterName)) {
    return `its audience is ${audiences.map((a) => JSON.stringify(a)).join(", ") || "not set"}, and Teleport wants its cluster name ${JSON.stringify(clusterName)}`;
  }
  if (typeof exp !== "number" || typeof iat !== "number") return "it says not when it was issued and when it expires";
  if (seconds - LEEWAY > exp) return "it has expired";
  if (seconds + LEEWAY < iat || (nbf !== undefined && seconds + LEEWAY < nbf)) {
    return "it is not valid yet; compare this machine's clock with the API server's";
  }
  if (!claims["kubernetes.io"]?.pod?.name) return "it is not bound to a pod, as a projected token is";
  if (exp - iat > MAX_LIFE) return `it lives ${exp - iat} s, and Teleport takes at most ${MAX_LIFE} s`;
  return undefined;
}

function notAllowed({ sub }: Claims, allow: { service_account: string }[]): string | undefined {
  if (allow.some(({ service_account }) => sub === `system:serviceaccount:${service_account}`)) return undefined;
  const list = allow.map(({ service_account }) => service_account).join(", ");
  return `its subject is ${JSON.stringify(sub)}, and the join token allows ${list}`;
}

function refusal(reason: string): JoinCheck {
  return { joins: false, reason };
}
