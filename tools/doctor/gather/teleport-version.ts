import { parse } from "yaml";
import { isRecord, jsonIn, textAt } from "../../base/json-value.ts";
import { quoted } from "../../programs/json-from.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import type { StoredInTeleport } from "../snapshot.ts";

/** How long Teleport's proxy may take, in milliseconds. */
const TIMEOUT = 5_000;

/**
 * The Teleport cluster's version: as given, as tctl says it, or from the proxy's /webapi/ping, which needs no credentials and is what
 * Teleport's own clients ask first.
 *
 * @param tbotConfig tbot.yaml, which names the proxy
 */
export async function readTeleportVersion(
  { teleportVersion }: { teleportVersion?: string },
  teleport: StoredInTeleport | undefined,
  tbotConfig: Read<string | undefined>,
): Promise<Read<string>> {
  if (teleportVersion !== undefined) return { ok: true, value: teleportVersion };
  if (teleport?.status.ok && teleport.status.value.version !== "") {
    return { ok: true, value: teleport.status.value.version };
  }
  if (!tbotConfig.ok) return tbotConfig;
  const address = tbotConfig.value === undefined ? undefined : proxyAddress(tbotConfig.value);
  if (address === undefined) return { ok: false, reason: "tbot.yaml names no proxy_server" };
  try {
    const answer = await fetch(`https://${address}/webapi/ping`, { signal: AbortSignal.timeout(TIMEOUT) });
    const text = await answer.text();
    const pong = jsonIn(text);
    const version = isRecord(pong) ? textAt(pong, "server_version") : "";
    return version === ""
      ? { ok: false, reason: `${address} does not answer as a Teleport proxy but with ${quoted(text)}` }
      : { ok: true, value: version };
  } catch (error) {
    const { cause, message } = error as Error & { cause?: { code?: string } };
    return { ok: false, reason: `the Teleport proxy ${address} does not answer from here (${cause?.code ?? message})` };
  }
}

function proxyAddress(tbotConfig: string): string | undefined {
  try {
    const { proxy_server: address } = parse(tbotConfig) as { proxy_server?: unknown };
    return typeof address === "string" ? address : undefined;
  } catch {
    return undefined;
  }
}
