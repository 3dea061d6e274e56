import { createHash } from "node:crypto";
import { access, mkdir, readdir, readFile, rename, rm } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { EXIT, ExitError } from "../../../tools/base/exit-error.ts";
import { say } from "../../../tools/terminal/say.ts";
import { run } from "../run.ts";

/** A package of a lock file, as far as it is read here. */
interface Locked {
  readonly version: string;
  readonly integrity: string;
  readonly dev?: boolean;
  readonly devOptional?: boolean;
  readonly peer?: boolean;
}

/**
 * A folder with the archives of all packages that a user's install of ours brings along, got once from npm's registry.
 * Later, where nothing leaves the machine, a local registry serves them.
 *
 * @throws ExitError (unavailable) when npm cannot get one, or it is not the one of the lock file
 */
export async function dependencyArchives(root: string): Promise<string> {
  const text = await readFile(join(root, "package-lock.json"), "utf8");
  const { packages } = JSON.parse(text) as { packages: Record<string, Locked> };
  const wanted = Object.entries(packages)
    .filter(([path, { dev, devOptional, peer }]) => path !== "" && !dev && !devOptional && !peer)
    .map(([path, locked]) => ({ spec: `${path.replace(/^.*node_modules\//, "")}@${locked.version}`, ...locked }));
  const key = createHash("sha256").update(JSON.stringify(wanted)).digest("hex").slice(0, 12);
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "istio-teleport");
  const folder = join(cache, `npm-archives-${key}`);
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  if (isThere) return folder;
  say(`getting the ${wanted.length} packages that ours depends on`);
  const partial = `${folder}.${process.pid}`;
  await mkdir(partial, { recursive: true, mode: 0o700 });
  try {
    await run("npm", ["pack", "--silent", "--pack-destination", partial, ...wanted.map(({ spec }) => spec)]);
    await refuseOthers(partial, new Map(wanted.map(({ integrity, spec }) => [integrity, spec])));
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return folder;
}

/** Integrity of an archive as npm writes it. */
export function integrityOf(archive: Buffer): string {
  return `sha512-${createHash("sha512").update(archive).digest("base64")}`;
}

/** @throws ExitError (unavailable) unless the folder has the archives of the lock file, and no other */
async function refuseOthers(folder: string, wanted: ReadonlyMap<string, string>): Promise<void> {
  const names = await readdir(folder);
  const got = new Set(await Promise.all(names.map(async (name) => integrityOf(await readFile(join(folder, name))))));
  const missing = [...wanted].filter(([integrity]) => !got.has(integrity)).map(([, spec]) => spec);
  if (missing.length === 0 && got.size === wanted.size) return;
  throw new ExitError(
    `npm's registry has other archives than package-lock.json: ${missing.join(", ")}.`,
    EXIT.unavailable,
  );
}
