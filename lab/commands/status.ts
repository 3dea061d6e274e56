import { missingComponents } from "../build/components.ts";
import { images, outdatedImages } from "../build/images.ts";
import { componentsOf, labVersions, versionsName } from "../build/versions.ts";
import { daemons, isCurrent, isHealthy } from "../cluster/daemons.ts";
import { isNodeReady } from "../cluster/node.ts";
import { namespacesExist } from "../machine/namespaces.ts";
import type { LabPaths } from "../machine/paths.ts";
import { runningProcess } from "../machine/processes.ts";

/** One part of the lab and how it is. */
export interface PartStatus {
  readonly part: string;
  readonly healthy: boolean;
  readonly detail: string;
}

/** How every part of the lab is. */
export async function labStatus(paths: LabPaths): Promise<readonly PartStatus[]> {
  const missing = missingComponents(paths);
  const all = componentsOf(paths).length;
  const components = {
    part: "components",
    healthy: missing.length === 0,
    detail: `${all - missing.length} of ${all} built; ${versionsName(labVersions(paths))}`,
  };
  if (!namespacesExist(paths))
    return [components, { part: "namespaces", healthy: false, detail: "none: the lab is down" }];
  const parts = daemons(paths).map(async (daemon): Promise<PartStatus> => {
    const record = runningProcess(paths, daemon.name);
    if (record === undefined) return { part: daemon.name, healthy: false, detail: "not running" };
    const current = isCurrent(paths, daemon);
    // An earlier one's probe may have gone with its component.
    const healthy = current && (await isHealthy(paths, daemon));
    const state = healthy ? "healthy" : current ? "doesn't answer" : "of an earlier build or configuration (run up)";
    return { part: daemon.name, healthy, detail: `pid ${record.pid}, ${state}` };
  });
  const outdated = outdatedImages(paths);
  const nodeReady = await isNodeReady(paths);
  return [
    components,
    { part: "namespaces", healthy: true, detail: "network and mount" },
    ...(await Promise.all(parts)),
    {
      part: "images",
      healthy: outdated.length === 0,
      detail: `${images(paths).length - outdated.length} of ${images(paths).length} imported`,
    },
    { part: "node", healthy: nodeReady, detail: nodeReady ? "Ready" : "not Ready" },
  ];
}

/** The status as a table for a terminal, one line a part. */
export function statusTable(parts: readonly PartStatus[]): string {
  const width = Math.max(...parts.map(({ part }) => part.length));
  return parts.map(({ part, healthy, detail }) => `${healthy ? "✓" : "✗"} ${part.padEnd(width)}  ${detail}\n`).join("");
}
