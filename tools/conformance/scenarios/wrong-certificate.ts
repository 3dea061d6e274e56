import { principalOf, spiffeId } from "../../base/spiffe-id.ts";
import { type Finding, problem } from "../../doctor/checks/check.ts";
import { type CertifiedPod, spiffeIdIn } from "../../doctor/facts/certificates.ts";
import type { Mesh } from "../stage/mesh.ts";

export const IDENTITY_HINT =
  "Run `istio-teleport doctor`: proxy-issuer and proxy-identity tell which hand-off is broken.";

const ISSUERS = { istiod: "istiod's", unknown: "neither Teleport's nor istiod's" };

/** SPIFFE ID that Istio expects of a workload. */
export function ownId({ trustDomain }: Mesh, namespace: string, account: string): string {
  return spiffeId(principalOf(trustDomain, namespace, account));
}

/** What is wrong with the certificate of a proxy: it has none, it is not Teleport's, or names somebody else. */
export function wrongWith(subject: string, wanted: string, certified: CertifiedPod | undefined): Finding[] {
  if (certified === undefined) return [problem(subject, "its proxy has no certificate", IDENTITY_HINT)];
  const { issuer, leaf } = certified;
  const id = spiffeIdIn(leaf);
  return [
    ...(issuer === "teleport" ? [] : [problem(subject, `its certificate is ${ISSUERS[issuer]}`, IDENTITY_HINT)]),
    ...(id === wanted
      ? []
      : [problem(subject, `its certificate names ${id || "nobody"} in place of ${wanted}`, IDENTITY_HINT)]),
  ];
}
