import { createHash, generateKeyPair, randomUUID } from "node:crypto";
import { promisify } from "node:util";
import { SignJWT } from "jose";
import type { DemoCluster } from "./demo-cluster.ts";

const ALGORITHM = "RS256";
const POD = "tbot-7x2kq";

/**
 * A cluster in memory: a fresh signing key, its JWKS, and tokens as the API server signs them for a pod of tbot
 * (Kubernetes pkg/serviceaccount/claims.go).
 *
 * @param kid default: as Kubernetes makes it, the hash of the public key; given: to pose as another cluster's key
 */
export async function exampleCluster(
  tbot: { namespace: string; serviceAccount: string },
  kid?: string,
): Promise<DemoCluster> {
  const { publicKey, privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const keyId =
    kid ??
    createHash("sha256")
      .update(publicKey.export({ type: "spki", format: "der" }))
      .digest("base64url");
  const jwk = { use: "sig", kid: keyId, alg: ALGORITHM, ...publicKey.export({ format: "jwk" }) };
  const uids = { node: randomUUID(), pod: randomUUID(), serviceAccount: randomUUID() };
  return {
    description: "an example cluster in memory: a fresh signing key, its JWKS, tokens as its API server signs them",
    jwks: `${JSON.stringify({ keys: [jwk] })}\n`,
    pod: `${tbot.namespace}/${POD}`,
    isTbot: true,
    podToken: ({ audience, lifeSeconds }) => {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({
        aud: [audience],
        exp: now + lifeSeconds,
        iat: now,
        iss: "https://kubernetes.default.svc.cluster.local",
        jti: randomUUID(),
        "kubernetes.io": {
          namespace: tbot.namespace,
          node: { name: "node-1", uid: uids.node },
          pod: { name: POD, uid: uids.pod },
          serviceaccount: { name: tbot.serviceAccount, uid: uids.serviceAccount },
        },
        nbf: now,
        sub: `system:serviceaccount:${tbot.namespace}:${tbot.serviceAccount}`,
      })
        .setProtectedHeader({ alg: ALGORITHM, kid: keyId })
        .sign(privateKey);
    },
  };
}
