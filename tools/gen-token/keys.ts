import { ExitError } from "../base/exit-error.ts";
import { textAt } from "../base/json-value.ts";
import { type ChosenCluster, chosenCluster } from "../programs/chosen-cluster.ts";
import { jsonFrom, OBJECT } from "../programs/json-from.ts";
import { type ClusterAccess, kubectl } from "../programs/kubectl.ts";
import { kubectlJson } from "../programs/kubernetes-objects.ts";
import { isUnavailable } from "../programs/run.ts";
import { type Jwks, mergeJwks, type PublicJwk, readJwks } from "../teleport/join/jwks.ts";
import { readBounded } from "./bounded-input.ts";

/** Where keys are read: a cluster through kubectl, unless a file is named. */
export interface KeyFlags extends ClusterAccess {
  jwksFile?: string;
  extraJwks: string[];
}

/** What is known about the cluster whose keys were read. */
export interface ClusterFacts extends Pick<ChosenCluster, "described" | "server"> {
  /** Issuer of ServiceAccount tokens; empty where the discovery document may not be read. */
  issuer: string;
}

/** Keys for the token, and where the first of them came from. */
export interface KeySource {
  keys: PublicJwk[];
  /** One sentence for each key that is not in the token because no ServiceAccount token is signed with it. */
  leftOut: string[];
  /** Absent when the keys come from a file. */
  cluster?: ClusterFacts;
}

/**
 * The cluster's keys, live or from --jwks-file, with those of --extra-jwks after them.
 *
 * @throws ExitError refused for a JWKS that is wrong; unavailable when the cluster or a file cannot be read
 */
export async function readKeys(flags: KeyFlags): Promise<KeySource> {
  const files = [flags.jwksFile, ...flags.extraJwks].filter((file) => file !== undefined);
  if (files.filter((file) => file === "-").length > 1) {
    throw new ExitError("stdin can be read only once; give - for one JWKS and files for the others.");
  }
  const cluster = flags.jwksFile === undefined ? await readCluster(flags) : undefined;
  const sets = cluster === undefined ? [] : [cluster.jwks];
  for (const file of files) sets.push(await readFileKeys(file));
  const keys = mergeJwks(sets.map((set) => set.keys));
  const leftOut = sets.flatMap((set) => set.leftOut.map(({ name, reason }) => `${name} is left out: ${reason}.`));
  return cluster === undefined ? { keys, leftOut } : { keys, leftOut, cluster: cluster.facts };
}

async function readFileKeys(file: string): Promise<Jwks> {
  return readJwks(await readBounded(file, "JWKS"), file === "-" ? "standard input" : `the file ${file}`);
}

async function readCluster(access: ClusterAccess): Promise<{ jwks: Jwks; facts: ClusterFacts }> {
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
