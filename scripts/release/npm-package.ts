import { mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { ExitError } from "../../tools/base/exit-error.ts";
import { FOLDERS, type Release } from "./release.ts";
import { run } from "./run.ts";

/** The packages that npm gets: the CLI, and the one that holds the name `gen-token` for it. Each is a folder of the repository. */
const PACKAGES = [".", "scripts/release/gen-token"] as const;

/** Packs both npm packages. npm builds `dist` first, by the script `prepare`, so that a user's install builds nothing. */
export async function packNpm({ root, folder, version }: Release): Promise<void> {
  const target = join(folder, FOLDERS.npm);
  await mkdir(target, { recursive: true });
  for (const path of PACKAGES) await run("npm", ["pack", "--pack-destination", target], { cwd: join(root, path) });
  const wanted = [`gen-token-${version}.tgz`, `istio-teleport-${version}.tgz`];
  const made = (await readdir(target)).toSorted();
  if (made.join() !== wanted.join()) throw new ExitError(`npm packed ${made.join(", ")}, not ${wanted.join(", ")}.`);
}

/** The archives, the package that the other depends on first: npm publishes them in this order. */
export function npmArchives({ folder, version }: Release): string[] {
  return ["istio-teleport", "gen-token"].map((name) => join(folder, FOLDERS.npm, `${name}-${version}.tgz`));
}
