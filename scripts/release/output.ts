import { mkdir, readdir, rm } from "node:fs/promises";
import { join, relative, resolve, sep } from "node:path";
import { ExitError } from "../../tools/base/exit-error.ts";

/**
 * Empties the folder of a release, or makes it.
 *
 * @param output as the user gave it, from the checkout
 * @returns its absolute path
 * @throws ExitError (refused) for a folder that holds something else, which would be deleted
 */
export async function emptyOutput(root: string, output: string): Promise<string> {
  const folder = resolve(root, output);
  // What is below out/ is made by commands; git ignores it.
  const isOurs = !relative(join(root, "out"), folder).split(sep).includes("..") && folder !== join(root, "out");
  if (!isOurs && (await readdir(folder).catch(() => [])).length > 0) {
    throw new ExitError(
      `--output ${output} is a folder with files, which would be deleted: name a folder below out/, or one that is empty or new.`,
    );
  }
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  return folder;
}
