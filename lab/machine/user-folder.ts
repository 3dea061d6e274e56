import { mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { shellBlock } from "../../scripts/shell-blocks/blocks.ts";
import { LAB_SOURCES, type LabPaths } from "./paths.ts";
import { command } from "./shell.ts";

/** The folder in which the lab tests play a user: values.yaml, saved documents, and the npm package as it would be published. */
export function userFolder(paths: LabPaths): string {
  return join(paths.state, "user");
}

/**
 * Packs istio-teleport and installs the package in the user's folder, as the quick start says, so that `npx istio-teleport` there
 * runs the compiled bins. From outside the lab: inside, npm reaches no registry.
 */
export async function installPackage(paths: LabPaths): Promise<void> {
  const folder = userFolder(paths);
  mkdirSync(folder, { recursive: true });
  const repository = dirname(LAB_SOURCES);
  const install = "npm ci && ";
  const pack = shellBlock("docs/start/quick-start.md#pack");
  if (!pack.startsWith(install)) throw new Error(`the quick start does not pack with "${install}", but with: ${pack}`);
  // Whoever runs the lab from a checkout has its dependencies.
  await command(["bash", "-c", pack.slice(install.length)], {
    cwd: repository,
    env: { ...process.env, npm_config_loglevel: "silent", npm_config_pack_destination: folder },
  });
  await command(["bash", "-c", shellBlock("docs/start/quick-start.md#cli")], {
    cwd: folder,
    // As in .npmrc: nothing of the peers of the pinned Helm's package is used.
    env: { ...process.env, npm_config_loglevel: "silent", npm_config_omit: "peer" },
  });
}
