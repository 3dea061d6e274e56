import { textAt } from "../base/json-value.ts";
import { type ChosenCluster, chosenCluster } from "../programs/chosen-cluster.ts";
import { jsonFrom, OBJECT } from "../programs/json-from.ts";
import { type ClusterAccess, kubectl } from "../programs/kubectl.ts";
import { kubectlJson } from "../programs/kubernetes-objects.ts";
import { isUnavailable } from "../programs/run.ts";
import { type Jwks, readJwks } from "../teleport/join/jwks.ts";

/** What is known about the cluster whose keys were read. */
export interface ClusterFacts extends Pick<ChosenCluster, "described" | "server"> {
  /** Issuer of ServiceAccount tokens; empty where the discovery document may not be read. */
  issuer: string;
}

/**
 * The keys that a cluster publishes, and what is known of it.
 *
 * @throws ExitError refused for a JWKS that is wrong; unavailable when the cluster cannot be read
 */
export async function readCluster(access: ClusterAccess): Promise<{ jwks: Jwks; facts: ClusterFacts }> {
  const args = ["get", "--raw", "/openid/v1/jwks"];
  const purpose = "read the cluster's keys";
  const asked = [
    kubectl(access, purpose, args, { instead: "give a saved JWKS with --jwks-file" }),
    chosenCluster(access),
  ] as const;
  // Both at once, for each costs a start of kubectl; but what the first says of a kubeconfig that does not exist is
  // clearer than what `config view` says, so its failure is the one that is told.
  await Promise.allSettled(asked);
  const [published, { name, described, server }] = [await asked[0], await asked[1]];
  // What is no JSON at all is another program's or a login page; what is wrong with a JWKS, its own check says.
  jsonFrom(published, "kubectl", purpose, OBJECT);
  const jwks = readJwks(published, `the API server of ${name}`);
  // Only now: beside the keys a credential plugin would ask for the same login twice.
  return { jwks, facts: { described, server, issuer: await readIssuer(access) } };
}

/** The issuer, for warnings only. Accounts that may read the keys can usually read it; if not, the keys are enough. */
async function readIssuer(access: ClusterAccess): Promise<string> {
  try {
    const args = ["get", "--raw", "/.well-known/openid-configuration"];
    return textAt(await kubectlJson(access, "read the cluster's issuer", args), "issuer");
  } catch (error) {
    if (isUnavailable(error)) return "";
    throw error;
  }
}
