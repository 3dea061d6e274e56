import { X509Certificate } from "node:crypto";
import { type CertifiedPod, certifiedPods } from "../../doctor/facts/certificates.ts";
import { CouldNotLook } from "../../doctor/facts/facts.ts";
import { readProxies } from "../../doctor/gather/proxy-secrets.ts";
import { MESHED } from "./objects.ts";
import { stagePods } from "./pods.ts";
import type { Stage } from "./stage.ts";

/**
 * The certificate that each proxy of the stage uses now, from its admin interface, by the pod's name. A pod whose proxy has
 * none is not in it.
 *
 * @throws CouldNotLook where a proxy does not answer
 */
export async function certificatesInUse(stage: Stage): Promise<Map<string, CertifiedPod>> {
  const pods = (await stagePods(stage)).filter(({ metadata }) => MESHED.some((name) => name === metadata.name));
  const proxies = await readProxies(stage.api, pods, () => {});
  stage.stop.throwIfAborted();
  for (const { pod, secrets } of proxies) {
    if (!secrets.ok) throw new CouldNotLook(`the proxy of ${pod} could not be asked: ${secrets.reason}`);
  }
  const certified = certifiedPods(proxies, pods, stage.mesh.revisions, (pem) => new X509Certificate(pem));
  return new Map(certified.map((each) => [each.pod.metadata.name, each]));
}
