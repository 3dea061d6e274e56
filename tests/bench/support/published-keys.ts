import { spawn } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

/** In a process of its own: a benchmark waits for other programs and could not answer meanwhile. */
const SERVER = `
const [keys, issuer] = process.argv.slice(1);
const server = require("node:http").createServer(({ url }, response) => {
  const text = url.startsWith("/openid/v1/jwks") ? keys : url.startsWith("/.well-known/openid-configuration") ? issuer : "";
  response.writeHead(text === "" ? 404 : 200, { "content-type": "application/json" }).end(text);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(String(server.address().port)));
`;

/** One key in the form that clusters publish keys in. */
export function oneKey(): string {
  const { publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return JSON.stringify({ keys: [{ ...publicKey.export({ format: "jwk" }), kid: "a", use: "sig", alg: "ES256" }] });
}

/**
 * Starts an API server that publishes a key and the issuer, in plain HTTP, and knows nothing else.
 *
 * @param dir where its kubeconfig is written
 * @returns the kubeconfig's path, and what ends the server
 */
export async function servePublishedKeys(dir: string): Promise<{ kubeconfig: string; stop: () => void }> {
  const issuer = JSON.stringify({ issuer: "https://kubernetes.default.svc.cluster.local" });
  const server = spawn(process.execPath, ["-e", SERVER, oneKey(), issuer], { stdio: ["ignore", "pipe", "inherit"] });
  const [port] = (await once(server.stdout, "data")) as [Buffer];
  const kubeconfig = join(dir, "kubeconfig");
  const config = {
    ...{ apiVersion: "v1", kind: "Config", "current-context": "local" },
    clusters: [{ name: "local", cluster: { server: `http://127.0.0.1:${port}` } }],
    contexts: [{ name: "local", context: { cluster: "local", user: "nobody" } }],
    users: [{ name: "nobody", user: {} }],
  };
  await writeFile(kubeconfig, JSON.stringify(config));
  return { kubeconfig, stop: () => server.kill() };
}
