import type { Values } from "../values/types.ts";

/** What this cluster's resources are called in Teleport. */
export interface TeleportNames {
  bot: string;
  role: string;
  workloadIdentity: string;
  joinToken: string;
}

/**
 * The names of the values, each with the suffix `-<cluster>` if the values name a cluster. The chart has the same rule
 * (istio-teleport.teleportName in chart/templates/_helpers.tpl), since tbot.yaml names the token and the workload identity.
 */
export function teleportNames({ global }: Pick<Values, "global">): TeleportNames {
  const { cluster, bot, role, workloadIdentity, join } = global.teleport;
  const named = (name: string) => (cluster === "" ? name : `${name}-${cluster}`);
  return {
    bot: named(bot.name),
    role: named(role.name),
    workloadIdentity: named(workloadIdentity.name),
    joinToken: named(join.tokenName),
  };
}

/** The labels of the workload identity, by which the role finds it; with the cluster's, so that it finds no other cluster's. */
export function workloadIdentityLabels({ global }: Pick<Values, "global">): Record<string, string> {
  const { cluster, workloadIdentity } = global.teleport;
  return cluster === "" ? workloadIdentity.labels : { ...workloadIdentity.labels, cluster };
}
