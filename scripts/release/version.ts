import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { isMap, isSeq, parseDocument } from "yaml";
import { ExitError } from "../../tools/base/exit-error.ts";
import { say } from "../../tools/terminal/say.ts";
import { run } from "./run.ts";

/** Pages that name the version of this checkout: its archive, its image, the chart as a dependency. */
export const PAGES_WITH_VERSION: readonly string[] = [
  "docs/operate/checks-in-the-cluster.md",
  "docs/start/installation.md",
  "docs/start/quick-start.md",
];

/**
 * Takes the pending changesets into a new version: the package and the changelog by changesets, then all that carries the
 * same version.
 *
 * @returns the new version
 * @throws ExitError (refused) when no changeset is pending
 */
export async function nextVersion(root: string): Promise<string> {
  const before = await packageVersionOf(root);
  await run("npx", ["--no", "changeset", "version"], { cwd: root });
  const version = await packageVersionOf(root);
  if (version === before) {
    throw new ExitError("No changeset is pending; describe the change with `npx changeset` first.");
  }
  await carryVersion(root, before, version);
  say(`Version ${version}. Review the difference, run the tests, and commit.`);
  return version;
}

async function packageVersionOf(root: string): Promise<string> {
  return (JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string }).version;
}

/** Writes a version wherever else it stands: chart, subcharts, lock file, the package `gen-token`, pages, snapshots. */
async function carryVersion(root: string, before: string, version: string): Promise<void> {
  const edit = async (path: string, change: (text: string) => string) => {
    const file = join(root, path);
    await writeFile(file, change(await readFile(file, "utf8")));
  };
  await writeChartVersion(join(root, "chart"), version);
  // changesets leaves the formatting to Prettier, which its settings leave out.
  await edit("CHANGELOG.md", (text) => text.replace(/^(## .*)\n(?=### )/m, "$1\n\n"));
  await edit("scripts/release/gen-token/package.json", (text) => text.replaceAll(`"${before}"`, `"${version}"`));
  for (const page of PAGES_WITH_VERSION) await edit(page, (text) => pageWithVersion(text, before, version));
  await run("npm", ["install", "--package-lock-only", "--ignore-scripts"], { cwd: root });
  // Labels and links in rendered objects carry the version.
  await run("npx", ["--no", "vitest", "run", "tests/chart/rendered.test.ts", "--update"], { cwd: root });
  // So do lists of what pages have.
  await run("npm", ["run", "--silent", "gen-schema"], { cwd: root });
}

/** A page with another version of ours; those of other programs stay. */
export function pageWithVersion(text: string, before: string, version: string): string {
  return ["istio-teleport-VERSION.tgz", "istio-teleport:VERSION", "version: VERSION"].reduce(
    (page, place) => page.replaceAll(place.replace("VERSION", before), place.replace("VERSION", version)),
    text,
  );
}

/** Gives a chart and its subcharts another version. */
export async function writeChartVersion(chart: string, version: string): Promise<void> {
  const subcharts = await readdir(join(chart, "charts"));
  for (const path of ["", ...subcharts.map((name) => `charts/${name}`)]) {
    const file = join(chart, path, "Chart.yaml");
    await writeFile(file, withVersion(await readFile(file, "utf8"), version));
  }
}

/** A Chart.yaml with another version, of itself and of its subcharts; comments and order stay. */
export function withVersion(chartText: string, version: string): string {
  const document = parseDocument(chartText);
  document.set("version", version);
  const dependencies = document.get("dependencies");
  for (const dependency of isSeq(dependencies) ? dependencies.items : []) {
    if (isMap(dependency)) dependency.set("version", version);
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
