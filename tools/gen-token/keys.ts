import { ExitError } from "../base/exit-error.ts";
import type { ClusterAccess } from "../programs/kubectl.ts";
import { type Jwks, mergeJwks, type PublicJwk, readJwks } from "../teleport/join/jwks.ts";
import { readBounded } from "./bounded-input.ts";
import type { ClusterFacts } from "./cluster-keys.ts";

/** Where keys are read: a cluster through kubectl, unless a file is named. */
export interface KeyFlags extends ClusterAccess {
  jwksFile?: string;
  extraJwks: string[];
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
  const cluster = flags.jwksFile === undefined ? await readLive(flags) : undefined;
  const sets = cluster === undefined ? [] : [cluster.jwks];
  for (const file of files) sets.push(await readFileKeys(file));
  const keys = mergeJwks(sets.map((set) => set.keys));
  const leftOut = sets.flatMap((set) => set.leftOut.map(({ name, reason }) => `${name} is left out: ${reason}.`));
  return cluster === undefined ? { keys, leftOut } : { keys, leftOut, cluster: cluster.facts };
}

async function readFileKeys(file: string): Promise<Jwks> {
  return readJwks(await readBounded(file, "JWKS"), file === "-" ? "standard input" : `the file ${file}`);
}

/** Loaded only where it is needed: a command that reads a file starts sooner without what asks kubectl. */
async function readLive(access: ClusterAccess) {
  const { readCluster } = await import("./cluster-keys.ts");
  return readCluster(access);
}
