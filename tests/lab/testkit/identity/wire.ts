import type { X509Certificate } from "node:crypto";
import { connect, type TLSSocket } from "node:tls";

/** The ALPN protocol by which Istio's proxies ask each other for mutual TLS. */
const ISTIO_ALPN = "istio";

/** How often a peer that says nothing is asked before it is an error: the machine under it may be busy. */
const ATTEMPTS = 3;

/**
 * Reads the certificate that a sidecar presents in a handshake, from the wire and not from Envoy's own account of it.
 * We present none, so the sidecar ends the connection afterwards; the certificate has been sent by then.
 *
 * @param timeoutMs milliseconds that each of three attempts may take
 * @returns the leaf certificate, or undefined if the peer refuses or closes the connection, or answers with something
 *   other than a certificate. Throws if it says nothing in any attempt, or cannot be reached: silence proves nothing.
 */
export async function certificateOnTheWire(
  host: string,
  port: number,
  timeoutMs = 2000,
): Promise<X509Certificate | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    const answer = await handshake(host, port, timeoutMs);
    if (answer !== "timed out") return answer === "refused" ? undefined : answer;
  }
  throw new Error(`${host}:${port} did not answer within ${timeoutMs} ms, ${ATTEMPTS} times`);
}

function handshake(host: string, port: number, timeoutMs: number): Promise<X509Certificate | "refused" | "timed out"> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect({
      host,
      port,
      ALPNProtocols: [ISTIO_ALPN],
      // The peer is what we examine; the caller judges its issuer.
      rejectUnauthorized: false,
    });
    const done = (answer: X509Certificate | "refused" | "timed out") => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => done("timed out"));
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (isRefusal(error.code ?? "")) done("refused");
      else reject(error);
    });
    socket.on("secureConnect", () => done(socket.getPeerX509Certificate() ?? "refused"));
  });
}

/** Whether an error's code means that the peer answered, but not with a certificate. */
function isRefusal(code: string): boolean {
  return ["ECONNREFUSED", "ECONNRESET", "EPIPE", "EPROTO"].includes(code) || code.startsWith("ERR_SSL_");
}

/** The SPIFFE ID of an SVID: its one URI SAN. */
export function spiffeId(certificate: X509Certificate): string {
  const match = /(?:^|, )URI:([^,]+)/.exec(certificate.subjectAltName ?? "");
  if (match?.[1] === undefined) throw new Error(`no URI SAN in ${certificate.subjectAltName}`);
  return match[1];
}
