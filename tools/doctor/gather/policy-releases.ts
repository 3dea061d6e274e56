import { parseManifests } from "../../chart/manifests.ts";
import { CHART_RELEASE } from "../../chart/releases.ts";
import { type Release, releaseManifest } from "../../programs/helm-releases.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";

const POLICIES = new Set(["AuthorizationPolicy", "PeerAuthentication"]);

/**
 * Releases of the chart, under other names than ours, that hold policies of applications and nothing else:
 * `istio-teleport render values --only` makes values for such. One whose applications have mode `off` holds nothing.
 *
 * @param rootNamespace of the mesh: policies in it are for all applications
 * @param listed all releases; where they could not be read there is nothing to look at
 * @throws ExitError (unavailable) when Helm cannot read one
 */
export async function policyReleases(
  access: ClusterAccess,
  rootNamespace: string,
  listed: Promise<Read<Release[]>>,
): Promise<Release[]> {
  const releases = await listed;
  if (!releases.ok) return [];
  const others = releases.value.filter(({ name, chart }) => chart === "istio-teleport" && name !== CHART_RELEASE);
  const objects = await Promise.all(
    others.map(async (release) => parseManifests(await releaseManifest(access, release))),
  );
  return others.filter((_, index) => {
    const own = objects[index] ?? [];
    return own.every(({ kind, metadata }) => POLICIES.has(kind) && metadata.namespace !== rootNamespace);
  });
}
