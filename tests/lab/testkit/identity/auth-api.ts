import { generateKeyPairSync, type KeyObject, X509Certificate } from "node:crypto";
import { request as httpRequest } from "node:http";
import { request as httpsRequest } from "node:https";
import { join } from "node:path";
import { NODE_IP, TELEPORT_PORT } from "../../../../lab/cluster/addresses.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";

/** A certificate and its key, in PEM. */
export interface Credential {
  readonly certificate: string;
  readonly key: string;
}

/** An SVID that was issued. */
export interface IssuedSvid {
  readonly spiffeId: string;
  readonly certificate: X509Certificate;
}

/** What tbot would say that it attested; Teleport takes a bot's word for it. */
export interface ClaimedWorkload {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly container?: string;
}

/**
 * Joins as tbot does, with a ServiceAccount's token, and asks for the credential that may issue SVIDs.
 *
 * @throws an Error with the double's words if it refuses
 */
export async function joinByHand(joinToken: string, serviceAccountToken: string): Promise<Credential> {
  const expires = new Date(Date.now() + 3_600_000);
  const bot = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const joined = await post<{ certificate: string }>(httpsRequest, botApi("/v1/join"), {
    token_name: joinToken,
    join_method: "kubernetes",
    id_token: serviceAccountToken,
    public_key: inDer(bot.publicKey),
    expires,
  });
  const own = { certificate: inPem(joined.certificate), key: keyInPem(bot.privateKey) };
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const impersonated = await post<{ certificate: string }>(httpsRequest, botApi("/v1/impersonate", own), {
    public_key: inDer(publicKey),
    expires,
  });
  return { certificate: inPem(impersonated.certificate), key: keyInPem(privateKey) };
}

/**
 * Asks for SVIDs of a workload, by a workload identity's name or by labels.
 *
 * @throws an Error with the double's words if it refuses
 */
export async function askForSvids(
  credential: Credential,
  selector: { name: string } | { labels: Record<string, string[]> },
  { namespace, serviceAccount, container }: ClaimedWorkload,
): Promise<IssuedSvid[]> {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const kubernetes = {
    attested: true,
    namespace,
    service_account: serviceAccount,
    ...(container !== undefined && { container: { name: container } }),
  };
  const answer = await post<{ credentials: { spiffe_id: string; certificate: string }[] }>(
    httpsRequest,
    botApi("/v1/issue", credential),
    { ...selector, public_key: inDer(publicKey), workload: { kubernetes } },
  );
  return answer.credentials.map(({ spiffe_id, certificate }) => ({
    spiffeId: spiffe_id,
    certificate: new X509Certificate(Buffer.from(certificate, "base64")),
  }));
}

/** Asks what plays Teleport for something that no tctl command has: its administrator's socket. */
export function askAdministrator<Answer>(path: string, body: unknown): Promise<Answer> {
  return post<Answer>(httpRequest, { socketPath: join(labPaths().teleportData, "admin.sock"), path }, body);
}

function botApi(path: string, credential?: Credential): object {
  return {
    host: NODE_IP,
    port: TELEPORT_PORT,
    path,
    ...(credential && { cert: credential.certificate, key: credential.key }),
    ALPNProtocols: ["teleport-auth@"],
    // Whoever does this by hand trusts the lab's own server.
    rejectUnauthorized: false,
  };
}

function inDer(key: KeyObject): string {
  return key.export({ type: "spki", format: "der" }).toString("base64");
}

function keyInPem(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }).toString();
}

/** From base64 of DER. */
function inPem(certificate: string): string {
  return new X509Certificate(Buffer.from(certificate, "base64")).toString();
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
