import { ExitError } from "../base/exit-error.ts";
import { joinCheck } from "../teleport/join/join-check.ts";
import { parseJwks } from "../teleport/join/jwks.ts";
import type { DemoCluster, TokenRequest } from "./demo-cluster.ts";
import { exampleCluster } from "./example-cluster.ts";

/** One token that was checked against the join token as Teleport checks it, or a JWKS that was refused. */
export interface Proof {
  /** What was tried. */
  tried: string;
  /** The result, which is the expected one. */
  outcome: string;
}

/** What the kubelet asks for in the chart's DaemonSet, in seconds. */
const PROJECTED_LIFE = 600;

/**
 * Shows that the join token lets in tbot's token and nothing else.
 *
 * @param document the join token as it is written
 * @throws ExitError when the right token would be refused or a wrong one would join
 */
export async function proveJoin(cluster: DemoCluster, document: string, clusterName: string): Promise<Proof[]> {
  const check = async (signer: DemoCluster, request: TokenRequest) =>
    joinCheck({
      jwt: await signer.podToken(request),
      document,
      clusterName,
      now: Date.now(),
      anyServiceAccount: !cluster.isTbot,
    });
  const right = { audience: clusterName, lifeSeconds: PROJECTED_LIFE };
  const joined = await check(cluster, right);
  if (!joined.joins) {
    throw new ExitError(`Teleport would refuse the token of the pod ${cluster.pod}: ${joined.reason}.`);
  }
  const proofs = [
    {
      tried: `the token of the pod ${cluster.pod}`,
      outcome: `joins: signed with key ${joined.kid}, lives ${joined.lifeSeconds} s${cluster.isTbot ? "" : " (another pod than tbot's proves the keys only)"}`,
    },
  ];

  const [namespace = "", serviceAccount = ""] = joined.subject.split(":").slice(-2);
  const forger = await exampleCluster({ namespace, serviceAccount }, joined.kid);
  const wrong: [string, DemoCluster, TokenRequest][] = [
    ["the same, signed by another key under the same kid", forger, right],
    ["the same with a life of 1 h", cluster, { ...right, lifeSeconds: 3600 }],
    ["the same for another audience", cluster, { ...right, audience: "other.example.com" }],
  ];
  for (const [tried, signer, request] of wrong) {
    const result = await check(signer, request);
    if (result.joins) throw new ExitError(`The join token is too wide: ${tried} would join.`);
    proofs.push({ tried, outcome: `refused: ${result.reason}` });
  }
  proofs.push({ tried: 'a JWKS whose quotes a sed script escaped (\\")', outcome: `refused: ${escapedJwks(cluster)}` });
  return proofs;
}

/** Teleport would store such a JWKS unparsed and refuse the join only later. */
function escapedJwks(cluster: DemoCluster): string {
  try {
    parseJwks(Buffer.from(cluster.jwks.replaceAll('"', '\\"')), "the escaped JWKS");
  } catch (error) {
    if (error instanceof ExitError) return error.message;
    throw error;
  }
  throw new ExitError("A JWKS with escaped quotes was accepted.");
}
