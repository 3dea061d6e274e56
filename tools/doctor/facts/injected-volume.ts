import { ourTemplate } from "./injection-scope.ts";
import type { Facts } from "./make-facts.ts";
import { templateVolume } from "./socket-source.ts";

/** Whether every istiod gives new pods a volume of the chart's CSI driver. */
export function injectsOnlyCsi(facts: Facts): boolean {
  const { drivers } = facts.socketSource();
  return injected(facts).every(
    (volume) => volume !== undefined && "driver" in volume && drivers.includes(volume.driver),
  );
}

/** Whether every istiod gives new pods tbot's directory as a hostPath. */
export function injectsOnlyHostPath(facts: Facts): boolean {
  return injected(facts).every((volume) => volume !== undefined && "path" in volume);
}

function injected(facts: Facts): ReturnType<typeof templateVolume>[] {
  return facts.ownRevisions().map(({ injector }) => templateVolume(ourTemplate(facts, injector)?.text ?? ""));
}
