import { groupBy } from "../base/group-by.ts";
import { principalOf, spiffeId } from "../base/spiffe-id.ts";
import { type CertifiedPod, shortFingerprint, spiffeIdIn } from "../doctor/facts/certificates.ts";
import type { Facts } from "../doctor/facts/make-facts.ts";
import { nameOf, nodeOf } from "../doctor/facts/meshed-pods.ts";
import { labelOf, type MeshGraph } from "../graph/mesh-graph.ts";
import type { Identity, ReportDocument } from "./document.ts";
import { orUndefined } from "./or-undefined.ts";

/** Who is who: each identity with the pods that hold it, and the pods whose certificate is not known. */
export function identitiesOf(
  facts: Facts,
  graph: MeshGraph | undefined,
): Pick<ReportDocument, "identities" | "unread"> {
  const certified = orUndefined(facts.certifiedPods) ?? [];
  const services = new Map(
    graph?.applications.flatMap(({ services: own }) =>
      own.map((service) => [accountKey(service.namespace, service.serviceAccount), labelOf(service)] as const),
    ),
  );
  const trustDomain = orUndefined(facts.clusterName);
  const groups = groupBy(certified, (pod) =>
    JSON.stringify([pod.pod.metadata.namespace, accountOf(pod), spiffeIdIn(pod.leaf), pod.issuer]),
  );
  const identities = [...groups.values()].map((pods) =>
    identity(pods as [CertifiedPod, ...CertifiedPod[]], services, trustDomain),
  );
  return {
    identities: identities.toSorted((a, b) =>
      compare(`${a.namespace}/${a.serviceAccount}`, `${b.namespace}/${b.serviceAccount}`),
    ),
    unread: unreadPods(facts, new Set(certified.map(({ pod }) => nameOf(pod)))),
  };
}

function identity(
  pods: readonly [CertifiedPod, ...CertifiedPod[]],
  services: ReadonlyMap<string, string>,
  trustDomain: string | undefined,
): Identity {
  const [first] = pods;
  const { issuer, leaf } = first;
  const { namespace } = first.pod.metadata;
  const account = accountOf(first);
  const id = spiffeIdIn(leaf);
  const expected = trustDomain === undefined ? undefined : spiffeId(principalOf(trustDomain, namespace, account));
  const isOther = expected !== undefined && id !== expected;
  return {
    id,
    issuer,
    namespace,
    serviceAccount: account,
    service: services.get(accountKey(namespace, account)) ?? null,
    status: issuer === "teleport" && !isOther ? "ok" : "problem",
    evidence: `${ISSUED[issuer]}${isOther ? `; its account is to have ${expected}` : ""}`,
    pods: pods
      .map(({ pod, leaf: own, issuedAt, expiresAt, root }) => ({
        pod: nameOf(pod),
        node: nodeOf(pod),
        serial: own.serialNumber.toLowerCase(),
        issuedAt: new Date(issuedAt).toISOString(),
        expiresAt: new Date(expiresAt).toISOString(),
        root: root === undefined ? null : shortFingerprint(root),
      }))
      .toSorted((a, b) => compare(a.pod, b.pod)),
  };
}

const ISSUED: Readonly<Record<CertifiedPod["issuer"], string>> = {
  teleport: "signed by a root that names the trust domain, as Teleport’s authorities do",
  istiod: "signed by istiod’s own root",
  unknown: "signed by neither Teleport’s nor istiod’s root",
};

function unreadPods(facts: Facts, known: ReadonlySet<string>): ReportDocument["unread"] {
  const reasons = new Map(
    facts.proxies.map(({ namespace, pod, secrets }) => [
      `${namespace}/${pod}`,
      secrets.ok ? "its proxy holds no certificate" : secrets.reason,
    ]),
  );
  return (orUndefined(facts.meshedPods) ?? [])
    .map(nameOf)
    .filter((pod) => !known.has(pod))
    .toSorted(compare)
    .map((pod) => ({ pod, reason: reasons.get(pod) ?? "its proxy was not asked" }));
}

function accountOf({ pod }: CertifiedPod): string {
  return pod.spec.serviceAccountName ?? "default";
}

function accountKey(namespace: string, account: string): string {
  return `${namespace}/${account}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
