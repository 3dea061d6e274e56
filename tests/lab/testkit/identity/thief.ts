import { askAdministrator, askForSvids, type Credential, type IssuedSvid } from "./auth-api.ts";

/** A working credential of a bot in the hands of somebody else. */
export interface StolenCredential extends Credential {
  readonly expires: Date;
}

/**
 * What a thief does with a bot's own credential, which tbot has in its memory: asks Teleport for a working one.
 *
 * @param life as Go writes durations, "48h"
 * @throws an Error with the double's words if it refuses
 */
export async function steal(botName: string, life: string): Promise<StolenCredential> {
  const { certificate, key, expires } = await askAdministrator<Credential & { expires: string }>("/v1/steal", {
    bot_name: botName,
    ttl: life,
  });
  return { certificate, key, expires: new Date(expires) };
}

/**
 * Uses it: asks for the SVID of a pod that was never attested, since Teleport takes a bot's word for that.
 *
 * @throws an Error with the double's words if it refuses
 */
export function forge(stolen: StolenCredential, account: { namespace: string; name: string }): Promise<IssuedSvid[]> {
  const workload = { namespace: account.namespace, serviceAccount: account.name };
  return askForSvids(stolen, { labels: { env: ["dev"] } }, workload);
}
