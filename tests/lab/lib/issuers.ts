import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { labPaths } from "../../../lab/paths.ts";
import { shell } from "./shell.ts";
import { certificateOnTheWire, spiffeId } from "./wire.ts";

/** Who signed a certificate. */
export type Issuer = "teleport" | "istiod" | "unknown";

/** What a workload presents to its peers. */
export interface PresentedIdentity {
  readonly issuer: Issuer;
  readonly spiffeId: string;
  /** Hexadecimal, upper case, without colons, as Node prints it. */
  readonly serial: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** Whether a peer that trusts the issuer would accept it now. */
  readonly valid: boolean;
}

/** Verifies signatures against the two CAs of the lab: the Teleport double's and istiod's own. */
export class Issuers {
  readonly #teleport: X509Certificate;
  readonly #istiod: X509Certificate;

  private constructor(teleport: X509Certificate, istiod: X509Certificate) {
    this.#teleport = teleport;
    this.#istiod = istiod;
  }

  /** Reads the CA of the Teleport double from its data and istiod's from its Secret. */
  static async read(): Promise<Issuers> {
    const teleport = new X509Certificate(readFileSync(join(labPaths().teleportData, "authorities", "spiffe.crt")));
    const istiod = await shell(
      "kubectl -n istio-system get secret istio-ca-secret -o jsonpath='{.data.ca-cert\\.pem}'",
    );
    return new Issuers(teleport, new X509Certificate(Buffer.from(istiod, "base64")));
  }

  /** Whose a certificate is, PEM or DER. */
  identityOf(certificate: Buffer | X509Certificate): PresentedIdentity {
    const parsed = certificate instanceof X509Certificate ? certificate : new X509Certificate(certificate);
    const notBefore = new Date(parsed.validFrom);
    const notAfter = new Date(parsed.validTo);
    const now = new Date();
    return {
      issuer: this.#issuerOf(parsed),
      spiffeId: spiffeId(parsed),
      serial: parsed.serialNumber,
      notBefore,
      notAfter,
      valid: notBefore <= now && notAfter > now,
    };
  }

  /**
   * What a pod presents on the wire at its port, or undefined where nothing answers with TLS. Throws for a certificate
   * that neither CA signed: a third issuer is no outcome that a test may take for "nothing usable".
   */
  async presented(podIp: string, port: number): Promise<PresentedIdentity | undefined> {
    const certificate = await certificateOnTheWire(podIp, port);
    if (certificate === undefined) return undefined;
    const identity = this.identityOf(certificate);
    if (identity.issuer === "unknown")
      throw new Error(`${podIp}:${port} presents a certificate of an unknown issuer: ${certificate.issuer}`);
    return identity;
  }

  #issuerOf(certificate: X509Certificate): Issuer {
    if (certificate.verify(this.#teleport.publicKey)) return "teleport";
    if (certificate.verify(this.#istiod.publicKey)) return "istiod";
    return "unknown";
  }
}
