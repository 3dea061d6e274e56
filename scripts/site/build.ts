import { rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { ExitError } from "../../tools/base/exit-error.ts";
import { run, tryRun } from "../release/run.ts";
import { deadLinks } from "./built-links.ts";
import { ROOT, stage } from "./stage.ts";

/** Folder of the package that builds the site: its dependencies are its own. */
export const PACKAGE = join(ROOT, "site");
/** Where the built site is. */
export const SITE = join(ROOT, "out/site");
/** Where a browser sees it, as GitHub Pages serves a project. */
export const BASE = "/istio-teleport/";

/** What VitePress says of a build without fault; anything else is a warning or an error, which its exit code may not tell. */
const SILENT = [/^$/, /^vitepress v[\d.]+$/, /building client \+ server bundles\.\.\.$/, /rendering pages\.\.\.$/];
const COMPLETE = /^build complete in /;

/**
 * Builds the site into out/site, and makes sure that it is whole.
 *
 * @throws ExitError (refused) when VitePress says anything but that it is done, or a link of the site leads nowhere;
 *   (unavailable) when its dependencies cannot be installed
 */
export async function buildSite(): Promise<void> {
  await stage();
  await rm(SITE, { recursive: true, force: true });
  const { code, stdout, stderr } = await vitepress("build");
  const lines = stripVTControlCharacters(`${stdout}\n${stderr}`).split(/[\r\n]+/);
  const faults = lines.filter((line) => !COMPLETE.test(line) && !SILENT.some((silent) => silent.test(line.trim())));
  if (faults.length > 0 || !lines.some((line) => COMPLETE.test(line)) || code !== 0) {
    throw new ExitError(`VitePress must build the site without a warning, and said:\n${faults.join("\n")}`);
  }
  const dead = await deadLinks(SITE, BASE);
  if (dead.length > 0) throw new ExitError(`${dead.length} links of the site lead nowhere:\n${dead.join("\n")}`);
}

async function vitepress(command: "build") {
  await installDependencies();
  return await tryRun("npx", ["vitepress", command], { cwd: PACKAGE, env: ENVIRONMENT });
}

/** For VitePress: its configuration reads the base path. */
export const ENVIRONMENT = { SITE_BASE: BASE, NO_COLOR: "1" };

/** Installs what the lock file of site/ names, unless that has been done since it was written. No package's script is run. */
export async function installDependencies(): Promise<void> {
  const [wanted, installed] = await Promise.all(
    ["package-lock.json", "node_modules/.package-lock.json"].map((file) =>
      stat(join(PACKAGE, file)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  if ((installed ?? 0) > (wanted ?? 0)) return;
  await run("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: PACKAGE });
}
