import type { X509Certificate } from "node:crypto";
import { connect, type TLSSocket } from "node:tls";

/** The ALPN protocol by which Istio's proxies ask each other for mutual TLS. */
const ISTIO_ALPN = "istio";

/**
 * Reads the certificate that a sidecar presents in a handshake, from the wire and not from Envoy's own account of it.
 * We present none, so the sidecar ends the connection afterwards; the certificate has been sent by then.
 *
 * @returns the leaf certificate, or undefined if nothing answers with TLS within `timeoutMs`.
 */
export function certificateOnTheWire(
  host: string,
  port: number,
  timeoutMs = 2000,
): Promise<X509Certificate | undefined> {
  return new Promise((resolve) => {
    const socket: TLSSocket = connect({
      host,
      port,
      ALPNProtocols: [ISTIO_ALPN],
      // The peer is what we examine; the caller judges its issuer.
      rejectUnauthorized: false,
    });
    const done = (certificate?: X509Certificate) => {
      socket.destroy();
      resolve(certificate);
    };
    socket.setTimeout(timeoutMs, () => done());
    socket.on("error", () => done());
    socket.on("secureConnect", () => done(socket.getPeerX509Certificate()));
  });
}

/** The SPIFFE ID of an SVID: its one URI SAN. */
export function spiffeId(certificate: X509Certificate): string {
  const match = /(?:^|, )URI:([^,]+)/.exec(certificate.subjectAltName ?? "");
  if (match?.[1] === undefined) throw new Error(`no URI SAN in ${certificate.subjectAltName}`);
  return match[1];
}
