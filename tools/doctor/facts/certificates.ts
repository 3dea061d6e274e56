import type { X509Certificate } from "node:crypto";
import type { MeshProxy, ProxySecrets } from "../snapshot.ts";
import { CouldNotLook, known, type Revision } from "./facts.ts";
import { nameOf } from "./meshed-pods.ts";
import type { Pod } from "./objects.ts";

/** Teleport issues each SVID as valid since a minute ago (Teleport lib/auth/machineid/workloadidentityv1). */
const BACKDATED = 60;

/** Parses a PEM text, or hands out what it has parsed before. */
export type ReadCertificate = (pem: string) => X509Certificate;

/** A proxy that holds a certificate. */
export interface CertifiedPod {
  pod: Pod;
  secrets: ProxySecrets;
  leaf: X509Certificate;
  /** The root that signed the leaf, or an intermediate authority that comes with it; absent when the proxy trusts none that did. */
  root?: X509Certificate;
  /**
   * `istiod` when one of istiod's roots signed it; `teleport` when another one that the proxy trusts did, whose common
   * name is the trust domain, as that of each authority of Teleport is; `unknown` otherwise, as for SPIRE's.
   */
  issuer: "teleport" | "istiod" | "unknown";
  /** Milliseconds since 1970. */
  issuedAt: number;
  expiresAt: number;
}

/**
 * The proxies whose certificate could be read; those without one are what proxy-certificate reports.
 *
 * @throws CouldNotLook when there are proxies and none could be read
 */
export function certifiedPods(
  proxies: readonly MeshProxy[],
  meshedPods: readonly Pod[],
  revisions: readonly Revision[],
  read: ReadCertificate,
): CertifiedPod[] {
  const pods = new Map(meshedPods.map((pod) => [nameOf(pod), pod]));
  const istiodRoots = revisions.flatMap((revision) => rootsOf(revision, read));
  const readable = proxies.filter(({ secrets }) => secrets.ok);
  if (readable.length === 0 && pods.size > 0) {
    throw new CouldNotLook("no proxy's certificate could be read (see proxy-certificate)");
  }
  return readable.flatMap(({ namespace, pod: name, secrets }) => {
    const pod = pods.get(`${namespace}/${name}`);
    const held = known(secrets);
    return pod === undefined || held.chain[0] === undefined
      ? []
      : [certified(pod, held, read(held.chain[0]), istiodRoots, read)];
  });
}

function certified(
  pod: Pod,
  secrets: ProxySecrets,
  leaf: X509Certificate,
  istiodRoots: readonly X509Certificate[],
  read: ReadCertificate,
): CertifiedPod {
  const roots = secrets.roots.map(read);
  const top = topOfChain(leaf, secrets.chain.slice(1).map(read));
  const root = roots.find((candidate) => isSignedBy(top, candidate));
  const ofIstiod = istiodRoots.some((candidate) => isSignedBy(top, candidate));
  const domain = trustDomainOf(spiffeIdIn(leaf));
  const isTeleport = root?.subject.split("\n").includes(`CN=${domain}`) ?? false;
  return {
    pod,
    secrets,
    leaf,
    ...(root !== undefined && { root }),
    issuer: ofIstiod ? "istiod" : isTeleport ? "teleport" : "unknown",
    issuedAt: Date.parse(leaf.validFrom) + BACKDATED * 1000,
    expiresAt: Date.parse(leaf.validTo),
  };
}

/** A root by its short fingerprint, and which proxies have to do with it. */
export interface RootUse {
  fingerprint: string;
  root: X509Certificate;
  /** Proxies whose certificate it signed. */
  users: CertifiedPod[];
  /** Proxies that accept certificates of it. */
  trusters: CertifiedPod[];
}

/** Each root that some proxy trusts, the most used first: two of Teleport's while its authority is rotated. */
export function rootUses(all: readonly CertifiedPod[], read: ReadCertificate): RootUse[] {
  const roots = new Map<string, RootUse>();
  for (const certified of all) {
    for (const pem of new Set(certified.secrets.roots)) {
      const entry = roots.get(pem) ?? newRootUse(read(pem));
      roots.set(pem, entry);
      entry.trusters.push(certified);
      if (certified.root === entry.root) entry.users.push(certified);
    }
  }
  return [...roots.values()].toSorted((a, b) => b.users.length - a.users.length);
}

function newRootUse(root: X509Certificate): RootUse {
  return { fingerprint: shortFingerprint(root), root, users: [], trusters: [] };
}

/** The URI SAN of a certificate, empty without one. */
export function spiffeIdIn(certificate: X509Certificate): string {
  return /(?:^|, )URI:([^,]+)/.exec(certificate.subjectAltName ?? "")?.[1] ?? "";
}

/** For people: how a root is told from another. */
export function shortFingerprint(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").slice(0, 16).toLowerCase();
}

/** What a root must have signed: the leaf, or the last of the intermediate authorities that come with it. */
function topOfChain(leaf: X509Certificate, further: readonly X509Certificate[]): X509Certificate {
  let top = leaf;
  for (const next of further) {
    if (isSignedBy(top, next)) top = next;
  }
  return top;
}

function isSignedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.verify(authority.publicKey);
}

/** The trust domain of a SPIFFE ID, empty for anything else. */
export function trustDomainOf(id: string): string {
  return /^spiffe:\/\/([^/]+)/.exec(id)?.[1] ?? "";
}

function rootsOf({ istiodRoots }: Revision, read: ReadCertificate): X509Certificate[] {
  const pems = istiodRoots.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  try {
    return pems.map(read);
  } catch {
    throw new CouldNotLook("the ConfigMap istio-ca-root-cert of istiod's namespace holds what is no certificate");
  }
}
