import { X509Certificate } from "node:crypto";
import { shell } from "../cluster/shell.ts";
import { certificateOnTheWire, spiffeId } from "./wire.ts";

/** Who signed a certificate. */
export type Issuer = "teleport" | "istiod" | "unknown";

/** What a workload presents to its peers. */
export interface PresentedIdentity {
  readonly issuer: Issuer;
  /** The CA that signed it, as doctor names roots; undefined for an unknown one. */
  readonly root: string | undefined;
  readonly spiffeId: string;
  /** Hexadecimal, upper case, without colons, as Node prints it. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whether a peer that trusts the issuer would accept it now. */
  readonly valid: boolean;
}

/** How doctor names a root: the start of its SHA-256. */
export function rootName(root: X509Certificate): string {
  return root.fingerprint256.replaceAll(":", "").slice(0, 16).toLowerCase();
}

/** Teleport's SPIFFE CAs: one, or two while one is being rotated. */
export async function teleportRoots(): Promise<X509Certificate[]> {
  const exported = await shell("tctl auth export --type=tls-spiffe");
  const certificates = exported.match(/-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----/gs) ?? [];
  return certificates.map((pem) => new X509Certificate(pem));
}

/** Verifies signatures against the CAs of the lab: Teleport's and istiod's own. */
export class Issuers {
  readonly #cas: readonly { readonly issuer: Issuer; readonly root: X509Certificate }[];

  private constructor(teleport: readonly X509Certificate[], istiod: X509Certificate) {
    this.#cas = [
      ...teleport.map((root) => ({ issuer: "teleport" as const, root })),
      { issuer: "istiod", root: istiod },
    ];
  }

  /** Asks Teleport for its CAs, as they are now, and reads istiod's from its Secret. */
  static async read(): Promise<Issuers> {
    const istiod = await shell(
      "kubectl -n istio-system get secret istio-ca-secret -o jsonpath='{.data.ca-cert\\.pem}'",
    );
    return new Issuers(await teleportRoots(), new X509Certificate(Buffer.from(istiod, "base64")));
  }

  /** Whose a certificate is, PEM or DER. */
  identityOf(certificate: Buffer | X509Certificate): PresentedIdentity {
    const parsed = certificate instanceof X509Certificate ? certificate : new X509Certificate(certificate);
    const notBefore = new Date(parsed.validFrom);
    const notAfter = new Date(parsed.validTo);
    const now = new Date();
    const signer = this.#cas.find(({ root }) => parsed.verify(root.publicKey));
    return {
      issuer: signer?.issuer ?? "unknown",
      root: signer && rootName(signer.root),
      spiffeId: spiffeId(parsed),
      serial: parsed.serialNumber,
      notBefore,
      notAfter,
      valid: notBefore <= now && notAfter > now,
    };
  }

  /**
   * What a pod presents on the wire at its port, or undefined where nothing answers with TLS. Throws for a certificate
   * that none of these CAs signed: a third issuer is no outcome that a test may take for "nothing usable".
   */
  async presented(podIp: string, port: number): Promise<PresentedIdentity | undefined> {
    const certificate = await certificateOnTheWire(podIp, port);
    if (certificate === undefined) return undefined;
    const identity = this.identityOf(certificate);
    if (identity.issuer === "unknown")
      throw new Error(`${podIp}:${port} presents a certificate of an unknown issuer: ${certificate.issuer}`);
    return identity;
  }
}
