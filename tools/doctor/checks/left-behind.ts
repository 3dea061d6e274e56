import { page } from "../../base/documentation.ts";
import { injectsOnlyCsi, injectsOnlyHostPath } from "../facts/injected-volume.ts";
import type { Facts } from "../facts/make-facts.ts";
import { nameOf } from "../facts/meshed-pods.ts";
import { hasSocketVolume, type SocketSource } from "../facts/socket-source.ts";
import { type Finding, warning } from "./check.ts";

/** While the mesh moves between hostPath and CSI driver: pods that keep the old way, gateways and plain pods included. */
export function leftBehind(facts: Facts): Finding[] {
  const source = facts.socketSource();
  if (source.drivers.length === 0) return [];
  if (injectsOnlyCsi(facts)) return stillOnHostPath(facts, source);
  return injectsOnlyHostPath(facts) ? stillOnCsi(facts, source) : [];
}

/** The admission policy refuses them once the transition ends. */
function stillOnHostPath(facts: Facts, source: SocketSource): Finding[] {
  const evidence = `it still mounts ${source.directory} as a hostPath, and new pods get it from the CSI driver`;
  const hint = `Restart it before you end tbot.socket.transition, and take the volume out of its own manifest if it is there: ${page("docs/operate/csi.md")}.`;
  return facts
    .judgedPods()
    .filter((pod) => hasSocketVolume(pod, source, "hostPath"))
    .map((pod) => warning(nameOf(pod), evidence, hint));
}

/** They never end once the driver is gone, in the mesh or not. */
function stillOnCsi(facts: Facts, source: SocketSource): Finding[] {
  const evidence = `it still mounts a volume of the CSI driver ${source.drivers.join(", ")}, and new pods get a hostPath`;
  const hint = `Restart it before you end tbot.socket.transition: without the driver the kubelet cannot end it. See ${page("docs/operate/csi.md")}.`;
  return facts
    .livePods()
    .filter((pod) => hasSocketVolume(pod, source, "csi"))
    .map((pod) => warning(nameOf(pod), evidence, hint));
}
