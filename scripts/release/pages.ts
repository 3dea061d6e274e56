import { access, copyFile, cp, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run, tryRun } from "./run.ts";

/**
 * Branch that GitHub Pages serves: the documentation site, and beside it the chart repository's index.yaml, whose archives
 * are files of GitHub releases.
 */
const BRANCH = "gh-pages";

/** What is not of a site, and stays when another site comes: the repository, the chart index, the name of a domain. */
const KEPT = new Set([".git", "index.yaml", "CNAME"]);

/** A clone of the chart repository's branch. */
export interface Pages {
  readonly folder: string;
  /** Its index.yaml; undefined before the first release. */
  readonly index: string | undefined;
}

/**
 * Clones the branch of the chart repository.
 *
 * @param remote URL of the Git repository; git must be allowed to read and write it
 * @param folder does not exist yet
 * @throws ExitError (unavailable) when the branch cannot be read
 */
export async function clonePages(remote: string, folder: string): Promise<Pages> {
  await run("git", ["clone", "--quiet", "--depth", "1", "--branch", BRANCH, remote, folder], {
    secret: "github",
  });
  const index = join(folder, "index.yaml");
  return {
    folder,
    index: await access(index).then(
      () => index,
      () => undefined,
    ),
  };
}

/** Puts a site in place of the one before, for `pushIndex` to push. The chart index stays. */
export async function putSite({ folder }: Pages, site: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!KEPT.has(name)) await rm(join(folder, name), { recursive: true });
  }
  await cp(site, folder, { recursive: true });
  // The files are served as they are: Jekyll would take a minute, and leave some out.
  await writeFile(join(folder, ".nojekyll"), "");
}

/** Commits a new index.yaml, with the site if there is another one, and pushes both. Nothing happens if they are the same. */
export async function pushIndex({ folder }: Pages, index: string, version: string): Promise<void> {
  await copyFile(index, join(folder, "index.yaml"));
  const git = (...args: string[]) => run("git", args, { cwd: folder });
  await git("add", "--all");
  if ((await tryRun("git", ["diff", "--cached", "--quiet"], { cwd: folder })).code === 0) return;
  const author = ["-c", "user.name=istio-teleport release", "-c", "user.email=release@istio-teleport.invalid"];
  await git(...author, "commit", "--quiet", "--message", `Chart ${version}`);
  await run("git", ["push", "--quiet", "origin", BRANCH], { cwd: folder, secret: "github" });
}
