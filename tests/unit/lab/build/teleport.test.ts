import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { outdatedImages } from "../../../../lab/build/images.ts";
import { chooseTeleport, hasOwnTeleport, teleportName, teleportProgram } from "../../../../lab/build/teleport.ts";
import { type LabPaths, labPaths } from "../../../../lab/machine/paths.ts";

let folder: string;
let paths: LabPaths;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "teleport-"));
  paths = labPaths({ LAB_CACHE_DIR: join(folder, "cache") });
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A folder like that of an unpacked release. */
function release(
  name: string,
  programs: readonly string[] = ["teleport", "tctl", "tsh", "tbot"],
  mode = 0o755,
): string {
  const bin = join(folder, name);
  mkdirSync(bin);
  for (const program of programs) writeFileSync(join(bin, program), "", { mode });
  return bin;
}

describe("what plays Teleport", () => {
  it("is the double, unless a release was chosen", () => {
    expect(hasOwnTeleport(paths)).toBe(false);
    expect(teleportName(paths)).toBe("Teleport double");
    expect(teleportProgram(paths, "tbot")).toMatch(/\/bin\/teleport-double-local-[0-9a-f]{8}\/tbot$/);
    const bin = release("one");
    chooseTeleport(paths, bin);
    expect(hasOwnTeleport(paths)).toBe(true);
    expect(teleportProgram(paths, "tctl")).toBe(join(bin, "tctl"));
    expect(teleportName(paths)).toContain(bin);
  });

  it("must have all programs, which can be run", () => {
    expect(() => chooseTeleport(paths, release("part", ["teleport", "tctl"]))).toThrow(
      /part\/tbot is no program; give/,
    );
    expect(() => chooseTeleport(paths, release("text", undefined, 0o644))).toThrow(/text\/teleport is no program/);
    expect(hasOwnTeleport(paths)).toBe(false);
  });

  it("has an image that is outdated while its programs are not there, as `status` finds it before `up`", () => {
    expect(outdatedImages(paths).map(({ reference }) => reference)).toContain("lab.local/tbot:lab");
  });

  it("stays what it is while its data are there: one Teleport does not read another's", () => {
    const [one, two] = [release("one"), release("two")];
    chooseTeleport(paths, one);
    mkdirSync(paths.teleportData);
    expect(() => chooseTeleport(paths, two)).toThrow(/state is that of the Teleport of .*one; run .*down --wipe/);
    chooseTeleport(paths, one);
    expect(teleportProgram(paths, "tbot")).toBe(join(one, "tbot"));
  });
});
