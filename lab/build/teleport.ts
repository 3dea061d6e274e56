import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import type { LabPaths } from "../machine/paths.ts";
import { componentDir } from "./components.ts";
import { TELEPORT_DOUBLE_RECIPE } from "./recipes.ts";

/** The programs of a Teleport release that the lab runs. */
const PROGRAMS = ["teleport", "tctl", "tbot"] as const;

export type TeleportProgram = (typeof PROGRAMS)[number];

/** Whether somebody's own programs play Teleport, and not the double. */
export function hasOwnTeleport(paths: LabPaths): boolean {
  return existsSync(choiceFile(paths));
}

/** Absolute path of one of Teleport's programs: the double's, or that of the release that `up --teleport-bin` named. */
export function teleportProgram(paths: LabPaths, program: TeleportProgram): string {
  return join(teleportFolder(paths), program);
}

/** For messages: what plays Teleport. */
export function teleportName(paths: LabPaths): string {
  return hasOwnTeleport(paths) ? `Teleport of ${teleportFolder(paths)}` : "Teleport double";
}

/**
 * Makes the lab run the programs of a folder that is laid out as a release of Teleport. They are used until `down --wipe`.
 *
 * @throws ExitError if a program is missing, or if this lab's state is another Teleport's
 */
export function chooseTeleport(paths: LabPaths, folder: string): void {
  const chosen = resolve(folder);
  for (const program of PROGRAMS) {
    if (isExecutable(join(chosen, program))) continue;
    throw new ExitError(
      `${join(chosen, program)} is no program; give --teleport-bin the folder of a Teleport release for Linux, which has ${PROGRAMS.join(", ")}.`,
      EXIT.refused,
    );
  }
  if (existsSync(paths.teleportData) && teleportFolder(paths) !== chosen) {
    throw new ExitError(
      `This lab's state is that of the ${teleportName(paths)}; run \`npm run lab -- down --wipe\` first.`,
      EXIT.refused,
    );
  }
  mkdirSync(paths.state, { recursive: true });
  writeFileSync(choiceFile(paths), chosen);
}

function teleportFolder(paths: LabPaths): string {
  return hasOwnTeleport(paths) ? readFileSync(choiceFile(paths), "utf8") : componentDir(paths, TELEPORT_DOUBLE_RECIPE);
}

function choiceFile(paths: LabPaths): string {
  return join(paths.state, "teleport-bin");
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
