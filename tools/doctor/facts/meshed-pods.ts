import { posix } from "node:path";
import { PROXY_CONTAINER, proxiesOf } from "../../base/injection.ts";
import type { Container, Pod, VolumeMount } from "./objects.ts";

/** Where Istio's agent looks for a socket (Istio pkg/security: WorkloadIdentityPath). */
export const SOCKET_MOUNT = "/var/run/secrets/workload-spiffe-uds";

/** Whether Istio's proxy is in the pod, as a container or as a native sidecar. */
export function isMeshed(pod: Pod): boolean {
  return proxyContainer(pod) !== undefined;
}

/** Whether the proxy is all that the pod runs, as in a gateway. */
export function isGateway(pod: Pod): boolean {
  return pod.spec.containers.every((container) => proxiesOf(pod.spec).includes(container));
}

/** `namespace/name`. */
export function nameOf({ metadata }: { metadata: { namespace: string; name: string } }): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** The node that the pod is on. */
export function nodeOf({ spec }: Pod): string {
  return spec.nodeName ?? "";
}

/** The proxy's mount at Istio's path, of whatever volume. */
export function proxyMount(pod: Pod): VolumeMount | undefined {
  return proxyContainer(pod)?.volumeMounts?.find(({ mountPath }) => mountPath === SOCKET_MOUNT);
}

/** The mounts of the pod's own containers: those of the proxy and of its init container are made anew at each start. */
export function ownMounts({ spec }: Pod): VolumeMount[] {
  return [...spec.containers, ...(spec.initContainers ?? [])]
    .filter(({ name }) => name !== PROXY_CONTAINER)
    .flatMap(({ volumeMounts }) => volumeMounts ?? []);
}

/** All mounts of a volume in the pod, but the proxy's at Istio's path, which `socketMount` judges. */
export function otherMounts(pod: Pod, volume: string): VolumeMount[] {
  const proxy = proxyContainer(pod);
  return [...containers(pod), ...(pod.spec.ephemeralContainers ?? [])].flatMap((container) =>
    (container.volumeMounts ?? []).filter(
      ({ name, mountPath }) => name === volume && !(container === proxy && mountPath === SOCKET_MOUNT),
    ),
  );
}

/**
 * A path on the node in one spelling: without `.`, doubled or trailing slashes, without the way round by the root
 * directory of a process, and `/run` for the link `/var/run`.
 */
export function hostDirectory(path: string): string {
  const normal =
    posix
      .normalize(`/${path}`)
      .replace(/^\/\/+/, "/")
      .replace(/^(\/proc\/[^/]+\/root(?=\/|$))+/, "") || "/";
  const trimmed = normal.length > 1 ? normal.replace(/\/$/, "") : normal;
  return trimmed.replace(/^\/var\/run(?=\/|$)/, "/run");
}

/** The annotation by which a pod chooses its injection templates instead of the mesh's default ones. */
export function chosenTemplates(pod: Pod): string[] | undefined {
  const annotation = pod.metadata.annotations?.["inject.istio.io/templates"];
  return annotation?.split(",").map((name) => name.trim());
}

function proxyContainer({ spec }: Pod): Container | undefined {
  return proxiesOf(spec)[0];
}

function containers({ spec }: Pod): Container[] {
  return [...spec.containers, ...(spec.initContainers ?? [])];
}
