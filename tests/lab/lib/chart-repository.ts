import { mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { shell } from "./shell.ts";

/** A chart repository on loopback, as `helm repo add` wants it. */
export interface ChartRepository {
  readonly url: string;
  close(): Promise<void>;
}

/** Packs charts into `dir`, indexes them and serves them. */
export async function serveCharts(dir: string, charts: readonly string[]): Promise<ChartRepository> {
  mkdirSync(dir, { recursive: true });
  for (const chart of charts) await shell(`helm package '${chart}' -d '${dir}'`);
  await shell(`helm repo index '${dir}'`);
  const server: Server = createServer((request, response) => {
    const path = join(dir, normalize(decodeURIComponent(new URL(request.url ?? "/", "http://localhost").pathname)));
    readFile(path).then(
      (content) => response.end(content),
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
