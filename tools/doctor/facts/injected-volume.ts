import type { Revision } from "./facts.ts";
import { ourTemplate } from "./injection-scope.ts";
import type { Facts } from "./make-facts.ts";
import { type TemplateVolume, templateVolume } from "./socket-source.ts";

/** What a control plane gives new pods in the place of Istio's own directory; absent where it has no template of ours. */
export function injectedVolume(facts: Facts, { injector }: Revision): TemplateVolume | undefined {
  return templateVolume(ourTemplate(facts, injector)?.text ?? "");
}

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

function injected(facts: Facts): (TemplateVolume | undefined)[] {
  return facts.ownRevisions().map((revision) => injectedVolume(facts, revision));
}
