import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { request } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { connect } from "node:tls";
import { API_SERVER_PORT, NODE_IP } from "../../../../lab/cluster/addresses.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";

/** The lab's API server under another version. */
export interface VersionedApiServer {
  /** A kubeconfig's text. */
  readonly kubeconfig: string;
  close(): void;
}

/**
 * Serves the lab's API server, with its administrator's rights, on the loopback interface, and answers for it when it is
 * asked for its version: no release that old runs in the lab, and `--emulated-version` reaches three minors back only.
 *
 * @param gitVersion as `v1.26.0`
 */
export async function apiServerOfVersion(gitVersion: string): Promise<VersionedApiServer> {
  const { pki } = labPaths();
  const upstream = {
    host: NODE_IP,
    port: API_SERVER_PORT,
    ca: readFileSync(join(pki, "ca.crt")),
    cert: readFileSync(join(pki, "admin.crt")),
    key: readFileSync(join(pki, "admin.key")),
  };
  const server = createServer((asked, answer) => {
    if (asked.url?.startsWith("/version") === true) {
      answer.setHeader("Content-Type", "application/json");
      answer.end(JSON.stringify({ major: "1", minor: gitVersion.split(".")[1], gitVersion }));
      return;
    }
    const { method, url: path, headers } = asked;
    const passed = request({ ...upstream, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    passed.on("error", () => answer.destroy());
    asked.pipe(passed);
  });
  // Port-forwards: the connection itself is passed on.
  server.on("upgrade", (asked: IncomingMessage, client: Duplex, head: Buffer) => {
    const passed = connect(upstream, () => {
      const headers = asked.rawHeaders.flatMap((text, index) =>
        index % 2 === 0 ? [] : [`${asked.rawHeaders[index - 1]}: ${text}`],
      );
      passed.write(`${[`${asked.method} ${asked.url} HTTP/1.1`, ...headers].join("\r\n")}\r\n\r\n`);
      passed.write(head);
      passed.pipe(client).pipe(passed);
    });
    passed.on("error", () => client.destroy());
    client.on("error", () => passed.destroy());
    client.on("close", () => passed.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    kubeconfig: JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "old", cluster: { server: `http://127.0.0.1:${port}` } }],
      contexts: [{ name: "old", context: { cluster: "old", user: "" } }],
      "current-context": "old",
    }),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
