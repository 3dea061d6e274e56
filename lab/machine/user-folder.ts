import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { LAB_SOURCES, type LabPaths } from "./paths.ts";
import { command } from "./shell.ts";

/** The folder in which the lab tests play a user: values.yaml, saved documents, and the npm package as it would be published. */
export function userFolder(paths: LabPaths): string {
  return join(paths.state, "user");
}

/**
 * Packs istio-teleport and installs the package in the user's folder, so that `npx -p istio-teleport …` there runs the compiled
 * bins. From outside the lab: inside, npm reaches no registry.
 */
export async function installPackage(paths: LabPaths): Promise<void> {
  const folder = userFolder(paths);
  mkdirSync(folder, { recursive: true });
  const repository = dirname(LAB_SOURCES);
  const packed = await command(["npm", "pack", "--silent", `--pack-destination=${folder}`, repository], {
    cwd: folder,
  });
  const archive = packed.trim().split("\n").at(-1) as string;
  // As in .npmrc: nothing of the peers of the pinned Helm's package is used.
  await command(["npm", "install", "--silent", "--no-save", "--omit=peer", `./${archive}`], { cwd: folder });
}
