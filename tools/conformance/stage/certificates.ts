import { X509Certificate } from "node:crypto";
import { type CertifiedPod, certifiedPods } from "../../doctor/facts/certificates.ts";
import { CouldNotLook, known } from "../../doctor/facts/facts.ts";
import type { Pod } from "../../doctor/facts/objects.ts";
import { ADMIN_PORT, readProxies, TBOT_CLUSTER } from "../../doctor/gather/proxy-secrets.ts";
import type { Stage } from "./stage.ts";

/** How long a proxy's answer may take, in milliseconds. */
const TIMEOUT = 4_000;

/**
 * The certificate that each of these pods' proxies uses now, from its admin interface; the stage notes it. A pod whose proxy
 * has none is not among them.
 *
 * @throws CouldNotLook where a proxy does not answer
 */
export async function certificatesInUse(
  { api, mesh, stop, held }: Stage,
  pods: readonly Pod[],
): Promise<CertifiedPod[]> {
  const proxies = await readProxies(api, pods, () => {});
  stop.throwIfAborted();
  for (const { pod, secrets } of proxies) {
    if (!secrets.ok) throw new CouldNotLook(`the proxy of ${pod} could not be asked: ${secrets.reason}`);
  }
  const certified = certifiedPods(proxies, pods, mesh.revisions, (pem) => new X509Certificate(pem));
  for (const { pod, leaf } of certified) held.add(heldBy(pod.metadata.name, sha256(leaf)));
  return certified;
}

/** That a pod's proxy has held the certificate with this hash, as an entry of `Stage.held`. */
export function heldBy(pod: string, hash: string): string {
  return `${pod} ${hash}`;
}

/** Hexadecimal, lower case. */
function sha256(certificate: X509Certificate): string {
  return certificate.fingerprint256.replaceAll(":", "").toLowerCase();
}

/**
 * How many connections to tbot's socket a pod's proxy has opened in its life.
 *
 * @throws CouldNotLook where the proxy does not say
 */
export async function connectionsToTbot({ api, stop }: Stage, { metadata: { namespace, name } }: Pod): Promise<number> {
  const path = `/clusters?filter=${TBOT_CLUSTER}`;
  const answer = await api.fromLoopback({ namespace, name, port: ADMIN_PORT }, [path], TIMEOUT);
  stop.throwIfAborted();
  const [text = ""] = known(answer);
  const opened = [...text.matchAll(new RegExp(`^${TBOT_CLUSTER}::.*::cx_total::(\\d+)`, "gm"))];
  if (opened.length === 0) throw new CouldNotLook(`the proxy of ${namespace}/${name} does not say how it reaches tbot`);
  return opened.reduce((total, [, connections]) => total + Number(connections), 0);
}
