import { page } from "../../base/documentation.ts";
import { ExitError } from "../../base/exit-error.ts";
import { parseManifests } from "../../chart/manifests.ts";
import { CHART_RELEASE } from "../../chart/releases.ts";
import { helmReleases, releaseManifest } from "../../programs/helm-releases.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import { podsMounting } from "../csi-volumes.ts";
import type { ChartSettings } from "./chart-step.ts";

/**
 * Refuses values that take the installed release's CSI driver from pods with its volumes. Before anything is changed:
 * istiod's step comes first, and its new template without the chart's new policy would let no pod start.
 *
 * @throws ExitError refused for such values; unavailable when helm or the cluster does not answer
 */
export async function refuseToStrandPods(chart: ChartSettings, access: ClusterAccess): Promise<void> {
  const { namespace } = chart.values.tbot;
  const release = (await helmReleases(access)).find(
    (each) => each.name === CHART_RELEASE && each.namespace === namespace.name,
  );
  if (release === undefined) return;
  const stay = new Set(driversOf(chart.manifests));
  const going = driversOf(await releaseManifest(access, release)).filter((name) => !stay.has(name));
  const pods = await podsMounting(access, going);
  if (pods.length === 0) return;
  const namespaces = [...new Set(pods.map(({ metadata }) => metadata.namespace))].sort().join(", ");
  throw new ExitError(
    `These values remove the CSI driver ${going.join(", ")}, and pods in ${namespaces} that mount its volumes could not end without it: keep tbot.csi.driverName, set tbot.socket.transition to true and restart them first (${page("docs/operate/csi.md")}).`,
  );
}

function driversOf(manifests: string): string[] {
  return parseManifests(manifests).flatMap(({ kind, metadata }) => (kind === "CSIDriver" ? [metadata.name] : []));
}
