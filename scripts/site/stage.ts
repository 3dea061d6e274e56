import { cp, mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../release/run.ts";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The pages and files as VitePress reads them, below its own package, whose Vue they import; made anew each time. */
const SOURCE = join(ROOT, "site/out/source");
/** The graph of Sock Shop as a page of its own, below the site's root. */
const GRAPH = "sock-shop-graph.html";
const SOCK_SHOP = "chart/ci/sock-shop-values.yaml";

/**
 * Puts together what the site is made of: docs/ as it is, the site's own home page, the graph of Sock Shop made by the CLI
 * from the chart's values, the schemas, and the icon. Helm must be on the PATH.
 *
 * @throws ExitError (unavailable) when the graph cannot be made
 */
export async function stage(): Promise<void> {
  await rm(SOURCE, { recursive: true, force: true });
  const files = join(SOURCE, "public");
  await mkdir(files, { recursive: true });
  await stageDocs();
  await cp(join(ROOT, "chart/icon.svg"), join(files, "icon.svg"));
  const graph = ["tools/cli.ts", "graph", "--values", SOCK_SHOP, "--format", "html"];
  await writeFile(join(files, GRAPH), await run("npx", ["tsx", ...graph], { cwd: ROOT }));
}

/** The part of `stage` that follows docs/ and the home page, quick enough to be repeated while they are written. */
export async function stageDocs(): Promise<void> {
  const docs = join(ROOT, "docs");
  await cp(docs, SOURCE, { recursive: true });
  await rm(join(SOURCE, "README.md"));
  await cp(join(docs, "README.md"), join(SOURCE, "contents.md"));
  await cp(join(ROOT, "site/home.md"), join(SOURCE, "index.md"));
  for (const file of await readdir(docs, { recursive: true })) {
    // Pages show pictures, and link to schemas and to one picture as files.
    if (/\.(json|svg)$/.test(file)) await cp(join(docs, file), join(SOURCE, "public", file));
  }
}
