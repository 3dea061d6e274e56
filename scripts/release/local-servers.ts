import { spawn } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";

/** Serves a folder's files on loopback, as a chart repository is. */
export async function serveFolder(folder: string): Promise<{ url: string; stop(): Promise<void> }> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    readFile(join(folder, normalize(decodeURIComponent(pathname)))).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
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
