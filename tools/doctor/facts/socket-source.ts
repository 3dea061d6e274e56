import type { Snapshot } from "../snapshot.ts";
import { type Revision, socketDirectory } from "./facts.ts";
import { hostDirectory, proxyMount, SOCKET_MOUNT } from "./meshed-pods.ts";
import type { DaemonSet, Pod, Volume } from "./objects.ts";

/** Where a proxy may take tbot's socket from. */
export interface SocketSource {
  /** The directory on the node in which tbot's socket is. */
  directory: string;
  /** Names of the CSI drivers of this chart, each of which mounts that directory. */
  drivers: readonly string[];
}

type SocketVolume = "hostPath" | "csi";

/** @throws CouldNotLook where tbot.yaml has no socket */
export function socketSource(snapshot: Snapshot): SocketSource {
  const directory = socketDirectory(snapshot);
  // Where DaemonSets may not be listed, tbot's are unknown as well, and more than this check says so.
  const daemonSets = snapshot.csiDaemonSets.ok ? snapshot.csiDaemonSets.value : [];
  return { directory, drivers: daemonSets.flatMap((daemonSet) => driverName(daemonSet) ?? []) };
}

/** The name under which a DaemonSet of the SPIFFE CSI driver registers; its default is that of the program. */
export function driverName({ spec }: DaemonSet): string | undefined {
  const driver = spec.template.spec.containers.find(({ name }) => name === "spiffe-csi-driver");
  if (driver === undefined) return undefined;
  const flag = driver.args?.indexOf("-plugin-name") ?? -1;
  return (flag < 0 ? undefined : driver.args?.[flag + 1]) ?? "csi.spiffe.io";
}

/** How a volume brings the socket into a pod; absent where it is another volume. */
function socketVolumeKind({ hostPath, csi }: Volume, source: SocketSource): SocketVolume | undefined {
  if (csi !== undefined) return source.drivers.includes(csi.driver) ? "csi" : undefined;
  if (hostPath === undefined) return undefined;
  return hostDirectory(hostPath.path) === hostDirectory(source.directory) ? "hostPath" : undefined;
}

/**
 * How the proxy gets at the socket: `read-only` and `writable` are mounts of it at Istio's path, `other` everything else,
 * as Istio's own empty directory. The kubelet mounts a read-only CSI volume read-only, whatever the container asks for.
 */
export function socketMount(pod: Pod, source: SocketSource): "read-only" | "writable" | "other" {
  const mount = proxyMount(pod);
  const volume = pod.spec.volumes?.find(({ name }) => name === mount?.name);
  if (mount === undefined || volume === undefined || socketVolumeKind(volume, source) === undefined) return "other";
  return mount.readOnly === true || volume.csi?.readOnly === true ? "read-only" : "writable";
}

/** Whether a pod has tbot's directory by a volume of this kind, for its proxy or for a container of its own. */
export function hasSocketVolume({ spec }: Pod, source: SocketSource, kind: SocketVolume): boolean {
  return spec.volumes?.some((volume) => socketVolumeKind(volume, source) === kind) ?? false;
}

/** Whether the sidecars that a control plane injects get along without NET_ADMIN, since istio-cni does istio-init's work. */
export function usesIstioCni({ injectorValues }: Revision): boolean {
  return injectorValues?.pilot?.cni?.enabled === true;
}

/** The volume with the socket, as an injection template has it. */
export type TemplateVolume = { driver: string } | { path: string };

/** What an injection template says of the socket's volume; absent for a template that mounts none. */
export function templateVolume(text: string): TemplateVolume | undefined {
  if (!text.includes(SOCKET_MOUNT)) return undefined;
  const driver = /^ *driver: *"?([^"\s]+)/m.exec(text)?.[1];
  if (driver !== undefined) return { driver };
  const path = /^ *path: *"?([^"\s]+)/m.exec(text)?.[1];
  return path === undefined ? undefined : { path };
}
