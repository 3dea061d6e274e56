import { X509Certificate } from "node:crypto";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";
import type { PodAnswer } from "./fake-api-server.ts";

/** Envoy's admin interface, with the secrets of the snapshot in Envoy's form. */
export function envoyAdmin(snapshot: Pick<Snapshot, "proxies">, pod: string, requestPath: string): PodAnswer {
  const secrets = snapshot.proxies.find((proxy) => `${proxy.namespace}/${proxy.pod}` === pod)?.secrets;
  if (secrets === undefined || !secrets.ok) return { error: `no proxy in ${pod}` };
  const { chain, roots } = secrets.value;
  if (requestPath === "/certs") {
    const serial = new X509Certificate(chain[0] ?? "").serialNumber.toLowerCase();
    return { body: JSON.stringify({ certificates: [{ ca_cert: [], cert_chain: [{ serial_number: serial }] }] }) };
  }
  if (requestPath.startsWith("/clusters")) {
    return { body: "sds-grpc::/x::cx_active::1\nsds-grpc::/x::cx_total::1\nsds-grpc::/x::rq_active::2\n" };
  }
  const inline = (pems: string[]) => ({ inline_bytes: Buffer.from(pems.join("")).toString("base64") });
  const validator = {
    name: "envoy.tls.cert_validator.spiffe",
    typed_config: { trust_domains: [{ trust_bundle: inline(roots) }] },
  };
  const configs = [
    { name: "default", secret: { tls_certificate: { certificate_chain: inline(chain) } } },
    { name: "ROOTCA", secret: { validation_context: { custom_validator_config: validator } } },
  ];
  return { body: JSON.stringify({ configs }) };
}
