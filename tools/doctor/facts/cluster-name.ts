import type { Snapshot } from "../snapshot.ts";
import { type CertifiedPod, spiffeIdIn, trustDomainOf } from "./certificates.ts";
import { CouldNotLook, joinTokenSource, orUndefined } from "./facts.ts";

/** @throws CouldNotLook when no certificate could be read */
type Certified = () => readonly CertifiedPod[];

/**
 * The Teleport cluster's name: what the values intend, what Teleport writes into its certificates, or else the audience
 * that tbot presents to it.
 *
 * @throws CouldNotLook when none of them is known
 */
export function clusterName(snapshot: Snapshot, certified: Certified): string {
  const name = provenClusterName(snapshot, certified) ?? joinTokenSource(snapshot)?.audience;
  if (name === undefined) throw new CouldNotLook("the Teleport cluster's name is not known: give the values with -f");
  return name;
}

/** The name without the audience, which it is compared with. */
export function provenClusterName(snapshot: Snapshot, certified: Certified): string | undefined {
  return snapshot.intended?.global.teleport.clusterName ?? issuedName(certified);
}

function issuedName(certified: Certified): string | undefined {
  const issued = orUndefined(certified)?.find(({ issuer }) => issuer === "teleport");
  return issued && trustDomainOf(spiffeIdIn(issued.leaf));
}
