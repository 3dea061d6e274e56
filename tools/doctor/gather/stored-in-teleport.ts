import type { Runner } from "../../programs/run.ts";
import { teleportResources, teleportStatus, teleportTokens } from "../../teleport/resources.ts";
import type { Values } from "../../values/types.ts";
import type { StoredInTeleport } from "../snapshot.ts";
import { readOrReason } from "./read-or-reason.ts";

/**
 * What the cluster that tctl is logged in to stores. What cannot be read is there as the reason; tctl only reads.
 *
 * @param intended without it there is nothing to compare role, bot and workload identity with
 */
export async function readStoredInTeleport(runner: Runner, intended: Values | undefined): Promise<StoredInTeleport> {
  const [status, joinTokens, resources] = await Promise.all([
    readOrReason(() => teleportStatus(runner)),
    readOrReason(() => teleportTokens(runner)),
    intended && readOrReason(() => teleportResources(runner, intended)),
  ]);
  return { status, joinTokens, ...(resources && { resources }) };
}
