import { cp, mkdir, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { run } from "../release/run.ts";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** The pages and files as VitePress reads them, below its own package, whose Vue they import; made anew each time. */
const SOURCE = join(ROOT, "site/out/source");
/** Files that stand on the site as they are. */
const FILES = join(SOURCE, "public");
/** The graph of Sock Shop as a page of its own, below the site's root. */
const GRAPH = "sock-shop-graph.html";
const SOCK_SHOP = "chart/ci/sock-shop-values.yaml";

/** The home page, which is the site's own. */
export const HOME = join(ROOT, "site/home.md");
export const DOCS = join(ROOT, "docs");

/**
 * Puts together what the site is made of: docs/ as it is, the site's own home page, the graph of Sock Shop made by the CLI
 * from the chart's values, the schemas, and the icon. Helm must be on the PATH.
 *
 * @throws ExitError (unavailable) when the graph cannot be made
 */
export async function stage(): Promise<void> {
  await rm(SOURCE, { recursive: true, force: true });
  await mkdir(FILES, { recursive: true });
  await stageHome();
  for (const entry of await readdir(DOCS, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) await stageFile(relative(DOCS, join(entry.parentPath, entry.name)));
  }
  await cp(join(ROOT, "chart/icon.svg"), join(FILES, "icon.svg"));
  const graph = ["tools/cli.ts", "graph", "--values", SOCK_SHOP, "--format", "html"];
  await writeFile(join(FILES, GRAPH), await run("npx", ["tsx", ...graph], { cwd: ROOT }));
}

/** The home page's part of `stage`. */
export async function stageHome(): Promise<void> {
  await cp(HOME, join(SOURCE, "index.md"));
}

/** One file's part of `stage`. @param path below docs/; it may be gone */
export async function stageFile(path: string): Promise<void> {
  const from = join(DOCS, path);
  const to = [join(SOURCE, path === "README.md" ? "contents.md" : path)];
  // Pages show pictures, and link to schemas and to one picture as files.
  if (/\.(json|svg)$/.test(path)) to.push(join(FILES, path));
  const isThere = await stat(from).then(
    (found) => found.isFile(),
    () => false,
  );
  for (const place of to) await (isThere ? cp(from, place) : rm(place, { force: true, recursive: true }));
}
