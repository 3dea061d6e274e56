import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileOf } from "../../../scripts/site/built-links.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".woff2": "font/woff2",
};

/** A folder served on this machine. */
export interface ServedSite {
  /** With the base path: `http://127.0.0.1:PORT/istio-teleport/`. */
  url: string;
  stop(): Promise<void>;
}

/** Serves a built site below a base path as GitHub Pages does: pages without their ending, and 404.html for what is not there. */
export async function serveSite(folder: string, base: string): Promise<ServedSite> {
  const server = createServer((request, response) => {
    const { pathname } = new URL(request.url ?? "/", "http://localhost");
    const found = pathname.startsWith(base) ? fileOf(folder, decodeURI(pathname.slice(base.length))) : undefined;
    const file = found ?? `${folder}/404.html`;
    readFile(file).then(
      (content) => {
        response.writeHead(found === undefined ? 404 : 200, { "content-type": TYPES[extname(file)] ?? "text/plain" });
        response.end(content);
      },
      (error: Error) => response.writeHead(500).end(error.message),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${base}`,
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
