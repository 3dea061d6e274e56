import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer, type RequestListener, request } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { EXIT, ExitError } from "../../../tools/base/exit-error.ts";

/** A server on loopback. */
interface LocalServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts a server on a free port of loopback. */
export async function listen(listener: RequestListener): Promise<LocalServer> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        // Clients keep connections for later.
        server.closeAllConnections();
      }),
  };
}

/** Serves a folder's files, as a chart repository is. */
export function serveFolder(folder: string): Promise<LocalServer> {
  return listen((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    readFile(join(folder, normalize(decodeURIComponent(pathname)))).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
}

/** Passes GET requests on to another server, and changes what it answers. */
export function serveChanged(address: string, change: (path: string, body: Buffer) => Buffer): Promise<LocalServer> {
  return listen((incoming, response) => {
    const path = incoming.url ?? "/";
    const onward = request(
      `http://${address}${path}`,
      { method: incoming.method, headers: incoming.headers },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("end", () => {
          response.writeHead(answer.statusCode ?? 502, answer.headers);
          response.end(change(path, Buffer.concat(chunks)));
        });
      },
    );
    onward.on("error", () => response.writeHead(502).end());
    incoming.pipe(onward);
  });
}

/**
 * Runs an OCI registry on loopback that keeps everything in memory.
 *
 * @param crane path of the program
 * @throws ExitError (unavailable) when it does not come up
 */
export async function serveRegistry(crane: string): Promise<{ address: string; stop(): Promise<void> }> {
  const child = spawn(crane, ["registry", "serve", "--address", "127.0.0.1:0"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const port = await new Promise<string>((resolve, reject) => {
    let said = "";
    const fail = () => reject(new ExitError(`The local registry did not start: ${said.trim()}`, EXIT.unavailable));
    child.once("error", fail).once("close", fail);
    child.stderr.on("data", (chunk: Buffer) => {
      said += chunk;
      const [, found] = /serving on port (\d+)/.exec(said) ?? [];
      if (found !== undefined) resolve(found);
    });
  });
  return {
    address: `127.0.0.1:${port}`,
    stop: async () => {
      child.kill();
      await ended;
    },
  };
}
