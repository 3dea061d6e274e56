import { isRecord } from "../base/json-value.ts";
import { helmCommand } from "./cluster-commands.ts";
import { documentsOf } from "./helm.ts";
import { jsonFrom, listOf, type Shape } from "./json-from.ts";
import type { ClusterAccess } from "./kubectl.ts";
import { mustRun } from "./run.ts";

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
export async function helmReleases(access: ClusterAccess): Promise<Release[]> {
  // Helm 3 shows releases that are half done only when asked, Helm 4 has no --all.
  const states = ["--deployed", "--failed", "--pending", "--uninstalling"];
  const args = ["list", "--all-namespaces", ...states, "--max=0", "--time-format=2006-01-02T15:04:05Z07:00"];
  const command = helmCommand(access, [...args, "--output=json"]);
  const purpose = "list the Helm releases";
  const printed = await mustRun(access.runner, command, { purpose });
  return jsonFrom(printed, "helm", purpose, RELEASES).map(({ name, namespace, revision, updated, status, chart }) => {
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

interface ListedRelease {
  name: string;
  namespace: string;
  revision: string;
  updated: string;
  status: string;
  chart: string;
}

const RELEASES = listOf(
  "a list of releases",
  (value): value is ListedRelease =>
    isRecord(value) &&
    ["name", "namespace", "revision", "updated", "status", "chart"].every((key) => typeof value[key] === "string"),
);

/** Helm prints null where the user gave none. */
const VALUES: Shape<Record<string, unknown> | null> = {
  named: "an object",
  fits: (value): value is Record<string, unknown> | null => value === null || isRecord(value),
};

/** The values that the user gave the release, without the chart's own defaults. */
export async function releaseValues(access: ClusterAccess, release: Release): Promise<Record<string, unknown>> {
  const printed = await ask(access, release, ["get", "values", release.name, "--output=json"]);
  return jsonFrom(printed, "helm", readPurpose(release), VALUES) ?? {};
}

/** The objects of the release as Helm sent them to the cluster, YAML. */
export async function releaseManifest(access: ClusterAccess, release: Release): Promise<string> {
  return documentsOf(await ask(access, release, ["get", "manifest", release.name]), readPurpose(release));
}

async function ask(access: ClusterAccess, release: Release, args: string[]): Promise<string> {
  const command = helmCommand(access, [...args, `--namespace=${release.namespace}`]);
  return await mustRun(access.runner, command, { purpose: readPurpose(release) });
}

function readPurpose({ name }: Release): string {
  return `read the Helm release ${name}`;
}
