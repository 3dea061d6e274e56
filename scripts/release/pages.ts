import { access, copyFile } from "node:fs/promises";
import { join } from "node:path";
import { run, tryRun } from "./run.ts";

/** Branch that GitHub Pages serves: the chart repository's index.yaml, whose archives are files of GitHub releases. */
const BRANCH = "gh-pages";

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
  await run("git", ["clone", "--quiet", "--depth", "1", "--branch", BRANCH, remote, folder]);
  const index = join(folder, "index.yaml");
  return {
    folder,
    index: await access(index).then(
      () => index,
      () => undefined,
    ),
  };
}

/** Commits a new index.yaml and pushes it. Nothing happens if it is the same. */
export async function pushIndex({ folder }: Pages, index: string, version: string): Promise<void> {
  await copyFile(index, join(folder, "index.yaml"));
  const git = (...args: string[]) => run("git", args, { cwd: folder });
  await git("add", "index.yaml");
  if ((await tryRun("git", ["diff", "--cached", "--quiet"], { cwd: folder })).code === 0) return;
  const author = ["-c", "user.name=istio-teleport release", "-c", "user.email=release@istio-teleport.invalid"];
  await git(...author, "commit", "--quiet", "--message", `Chart ${version}`);
  await git("push", "--quiet", "origin", BRANCH);
}
