import { readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { lastWords } from "../../tools/programs/last-words.ts";
import { indexCharts } from "./chart-index.ts";
import { chartArchive } from "./chart-package.ts";
import { FOLDERS, type Release } from "./release.ts";
import { run, tryRun } from "./run.ts";

/**
 * Whether GitHub has the release already. It is made when all but the site and the chart's index is published.
 *
 * @throws ExitError (unavailable) when GitHub does not say
 */
export async function isOnGithub({ version }: Pick<Release, "version">): Promise<boolean> {
  const { code, stdout, stderr } = await tryRun("gh", ["release", "view", `v${version}`, "--json", "isDraft"], {
    secret: "github",
  });
  if (code !== 0 && !stderr.includes("release not found")) {
    throw new ExitError(`gh could not look for the release v${version}: ${lastWords(stderr)}.`, EXIT.unavailable);
  }
  // A draft is left behind when its upload was stopped; nobody can download it.
  return code === 0 && (JSON.parse(stdout) as { isDraft: boolean }).isDraft === false;
}

/**
 * Puts the chart that people download in place of the one that was just made, and makes the index anew: each time that
 * Helm packs and signs the chart, it is another archive, and a published one never changes.
 *
 * @throws ExitError (unavailable) when GitHub has no such archive, or our key did not sign it
 */
export async function takePublishedChart(release: Release): Promise<void> {
  const folder = join(release.folder, FOLDERS.chart);
  for (const file of await readdir(folder)) await rm(join(folder, file));
  const patterns = ["--pattern", "*.tgz", "--pattern", "*.tgz.prov"];
  await run("gh", ["release", "download", `v${release.version}`, "--dir", folder, ...patterns], { secret: "github" });
  await run("helm", ["verify", chartArchive(release), "--keyring", release.signingKey.publicKeyring]);
  await indexCharts(release);
}
