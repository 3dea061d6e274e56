import { mkdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, normalize } from "node:path";
import { istioCharts } from "../../../../lab/build/toolbox.ts";
import { labPaths } from "../../../../lab/machine/paths.ts";
import { shellBlock } from "../../../../scripts/shell-blocks/blocks.ts";
import { shell } from "../cluster/shell.ts";
import { REPOSITORY, runStep, USER_DIR } from "./installation.ts";

/** The two chart repositories that the documents name, on loopback. */
export interface ChartRepositories {
  readonly istioRepo: string;
  readonly chartRepo: string;
  close(): Promise<void>;
}

/** Serves Istio's own charts. */
export function serveIstioCharts(): Promise<ChartRepository> {
  const charts = istioCharts(labPaths());
  return serveCharts(join(USER_DIR, "istio-charts"), [
    join(charts, "base"),
    join(charts, "istio-control", "istio-discovery"),
    join(charts, "gateway"),
    join(charts, "istio-cni"),
  ]);
}

/** Serves Istio's own charts and ours. */
export async function serveRepositories(): Promise<ChartRepositories> {
  const istio = await serveIstioCharts();
  const own = await serveCharts(join(USER_DIR, "charts"), [join(REPOSITORY, "chart")]);
  return {
    istioRepo: istio.url,
    chartRepo: own.url,
    close: async () => {
      await istio.close();
      await own.close();
    },
  };
}

/** Makes them known to Helm under the documents' names, by docs/start/installation.md. */
export async function addRepositories(repositories: ChartRepositories): Promise<void> {
  // Those of an earlier file are served no more, and a name that is taken is refused.
  rmSync(join(USER_DIR, "helm-config"), { recursive: true, force: true });
  await runStep(shellBlock("docs/start/installation.md#repositories"), repositories);
}

/** A chart repository, as `helm repo add` wants it. */
interface ChartRepository {
  readonly url: string;
  close(): Promise<void>;
}

/** Packs charts into `dir`, indexes them and serves them. */
async function serveCharts(dir: string, charts: readonly string[]): Promise<ChartRepository> {
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
