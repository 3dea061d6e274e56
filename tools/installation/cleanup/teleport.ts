import { EXIT, ExitError } from "../../base/exit-error.ts";
import { readKeys } from "../../gen-token/keys.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import { isUnavailable } from "../../programs/run.ts";
import { isOfAnotherCluster } from "../../teleport/join/token-difference.ts";
import { teleportNames } from "../../teleport/names.ts";
import { teleportResources, teleportStatus, teleportTokens } from "../../teleport/resources.ts";
import type { Values } from "../../values/types.ts";

/** References as tctl takes them, "role/NAME", in the order of removal; and what is left, with the reason. */
export interface TeleportRemains {
  references: string[];
  left: string[];
}

/**
 * The resources that Teleport holds as these values make them. Where another cluster's join token names the same bot,
 * bot, role and workload identity are that cluster's as well, and stay; all stay where the token is another cluster's.
 *
 * @param access the cluster that is cleaned up
 * @param required whether tctl must answer; otherwise all that the values name is returned, unseen
 * @throws ExitError (unavailable) when tctl is required and does not answer
 */
export async function teleportRemains(
  values: Values,
  access: ClusterAccess,
  required: boolean,
): Promise<TeleportRemains> {
  const { clusterName } = values.global.teleport;
  const names = teleportNames(values);
  const shared = [`bot/${names.bot}`, `role/${names.role}`, `workload_identity/${names.workloadIdentity}`];
  try {
    const status = await teleportStatus(access.runner);
    if (status.clusterName !== clusterName) {
      const reason = `tctl is logged in to the cluster ${JSON.stringify(status.clusterName)}, not ${JSON.stringify(clusterName)}`;
      if (required) throw new ExitError(`${reason}.`, EXIT.unavailable);
      // No commands: there they would remove what another installation has.
      return { references: [], left: [`Teleport's resources: ${reason}`] };
    }
    return await look(values, access, shared);
  } catch (error) {
    if (required || !isUnavailable(error)) throw error;
    const reason = error.message.replace(/\.$/, "");
    return {
      references: [`token/${names.joinToken}`, ...shared],
      left: [`Teleport's resources: whether they are there was not seen: ${reason}`],
    };
  }
}

async function look(values: Values, access: ClusterAccess, shared: readonly string[]): Promise<TeleportRemains> {
  const { joinToken, bot } = teleportNames(values);
  const [resources, tokens] = [await teleportResources(access.runner, values), await teleportTokens(access.runner)];
  const references: string[] = [];
  const left: string[] = [];
  const token = tokens.find(({ name }) => name === joinToken);
  // Another cluster that was installed with the same values: kubectl may only be at the wrong one.
  if (token?.type === "static_jwks" && isOfAnotherCluster(token, (await readKeys({ ...access, extraJwks: [] })).keys)) {
    const names = [`token/${token.name}`, ...shared].join(", ");
    return { references, left: [`${names}: the token holds keys of another cluster and none of this one's`] };
  }
  if (token !== undefined) {
    if (token.joinMethod === "kubernetes" && token.botName === bot) references.push(`token/${token.name}`);
    else left.push(`token/${token.name}: it is of another kind than ours`);
  }
  const others = tokens.filter(({ name, botName }) => name !== joinToken && botName === bot);
  if (others.length > 0) {
    const names = others.map(({ name }) => `token/${name}`).join(", ");
    return { references, left: [...left, `${shared.join(", ")}: the bot joins with ${names}, too`] };
  }
  for (const reference of shared) {
    const state = resources.find(({ kind, name }) => `${kind}/${name}` === reference)?.state;
    if (state === "same" || state === "changed") references.push(reference);
    else if (state === "other") left.push(`${reference}: it grants other things than ours does`);
  }
  return { references, left };
}
