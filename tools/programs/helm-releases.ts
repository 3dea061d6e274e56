import { helmCommand } from "./cluster-commands.ts";
import type { ClusterAccess } from "./kubectl.ts";
import { mustRun } from "./run.ts";

/** Where Helm and the cluster are. */
export interface HelmAccess {
  access: ClusterAccess;
  /** As `findHelm` returns it. */
  helm: string;
}

/** The latest revision of a Helm release. */
export interface Release {
  name: string;
  namespace: string;
  revision: number;
  /** Name and version of its chart: "istiod", "1.31.0". */
  chart: string;
  version: string;
  /** Helm's word: deployed, failed, uninstalling, pending-install, pending-upgrade, pending-rollback. */
  status: string;
  updated: Date;
}

/**
 * All releases of the cluster, those that are half done included.
 *
 * @throws ExitError (unavailable) when Helm cannot read them
 */
export async function helmReleases({ access, helm }: HelmAccess): Promise<Release[]> {
  // Helm 3 shows releases that are half done only when asked, Helm 4 has no --all.
  const states = ["--deployed", "--failed", "--pending", "--uninstalling"];
  const args = ["list", "--all-namespaces", ...states, "--max=0", "--time-format=2006-01-02T15:04:05Z07:00"];
  const printed = await mustRun(helmCommand(access, helm, [...args, "--output=json"]), "list the Helm releases");
  const listed = JSON.parse(printed) as {
    name: string;
    namespace: string;
    revision: string;
    updated: string;
    status: string;
    chart: string;
  }[];
  return listed.map(({ name, namespace, revision, updated, status, chart }) => {
    const [, chartName = chart, version = ""] = /^(.*?)-(v?\d+\.\d+\.\d+.*)$/.exec(chart) ?? [];
    return {
      name,
      namespace,
      revision: Number(revision),
      chart: chartName,
      version,
      status,
      updated: new Date(updated),
    };
  });
}

/** The values that the user gave the release, without the chart's own defaults. */
export async function releaseValues(helm: HelmAccess, release: Release): Promise<Record<string, unknown>> {
  const printed = await ask(helm, release, ["get", "values", release.name, "--output=json"]);
  return (JSON.parse(printed) as Record<string, unknown> | null) ?? {};
}

/** The objects of the release as Helm sent them to the cluster, YAML. */
export async function releaseManifest(helm: HelmAccess, release: Release): Promise<string> {
  return await ask(helm, release, ["get", "manifest", release.name]);
}

async function ask({ access, helm }: HelmAccess, release: Release, args: string[]): Promise<string> {
  const command = helmCommand(access, helm, [...args, `--namespace=${release.namespace}`]);
  return await mustRun(command, `read the Helm release ${release.name}`);
}
