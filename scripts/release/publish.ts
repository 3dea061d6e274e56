import { basename, join } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { say } from "../../tools/terminal/say.ts";
import { chartArchive } from "./chart-package.ts";
import { npmArchives } from "./npm-package.ts";
import type { Release } from "./release.ts";
import { run, tryRun } from "./run.ts";
import { assets, NOTES_FILE, SUMS_BUNDLE, SUMS_FILE } from "./sums.ts";

/** Where the chart goes by OCI, and how cosign signs it there. */
export interface OciTarget {
  /** `ghcr.io/istio-teleport/charts`; Helm adds the chart's name. */
  readonly registry: string;
  /** Path of cosign. */
  readonly cosign: string;
  /** Arguments of `cosign sign`: none for a keyless signature by the workflow's own identity. */
  readonly signWith: readonly string[];
  /** Over HTTP, for a local registry. */
  readonly isPlain?: boolean;
}

/** The command that pushes the chart; its provenance file goes along. */
export function pushCommand(
  release: Release,
  { registry, isPlain = false }: Pick<OciTarget, "registry" | "isPlain">,
): string[] {
  return ["helm", "push", chartArchive(release), `oci://${registry}`, ...(isPlain ? ["--plain-http"] : [])];
}

/** The command that signs what the registry has, by digest: a tag could be moved before it is signed. */
export function signCommand(reference: string, { cosign, signWith }: Pick<OciTarget, "cosign" | "signWith">): string[] {
  return [cosign, "sign", "--yes", ...signWith, reference];
}

/**
 * Pushes the chart to a registry and signs it there.
 *
 * @returns the reference with the digest
 * @throws ExitError (unavailable) when the registry refuses, or Helm names no digest
 */
export async function publishChart(release: Release, target: OciTarget): Promise<string> {
  const [helm = "", ...push] = pushCommand(release, target);
  const { code, stdout, stderr } = await tryRun(helm, push);
  const said = `${stdout}\n${stderr}`;
  const digest = /^Digest: (sha256:[0-9a-f]{64})$/m.exec(said)?.[1];
  if (code !== 0 || digest === undefined) {
    throw new ExitError(`The chart could not be pushed to ${target.registry}: ${said.trim()}`, EXIT.unavailable);
  }
  const reference = `${target.registry}/istio-teleport@${digest}`;
  const [cosign = "", ...sign] = signCommand(reference, target);
  await run(cosign, sign, { secret: "identity" });
  return reference;
}

/** The command that signs the checksums, and by them everything that people download. */
export function signSumsCommand(
  { folder }: Pick<Release, "folder">,
  { cosign, signWith }: Pick<OciTarget, "cosign" | "signWith">,
): string[] {
  return [cosign, "sign-blob", "--yes", ...signWith, "--bundle", join(folder, SUMS_BUNDLE), join(folder, SUMS_FILE)];
}

/** Signs the checksums. */
export async function signSums(release: Release, by: Pick<OciTarget, "cosign" | "signWith">): Promise<void> {
  const [cosign = "", ...sign] = signSumsCommand(release, by);
  await run(cosign, sign, { secret: "identity" });
}

/** The command that makes the release on GitHub, with what people download and the changelog's section. */
export async function githubCommand(release: Release): Promise<string[]> {
  const { folder, version, channel } = release;
  const kind = { latest: [], next: ["--prerelease"], previous: ["--latest=false"] }[channel];
  const files = [...(await assets(release)), join(folder, SUMS_FILE), join(folder, SUMS_BUNDLE)];
  const notes = ["--title", version, "--notes-file", join(folder, NOTES_FILE)];
  return ["gh", "release", "create", `v${version}`, "--verify-tag", ...notes, ...kind, ...files];
}

/** Where the npm packages go. */
interface NpmTarget {
  /** npm's settings, for another registry than its own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether npm says which workflow run built them, from which commit: it can in that run only. Default: true. */
  readonly hasProvenance?: boolean;
}

/** The commands that publish the npm packages. */
export function npmCommands(release: Release, { hasProvenance = true }: NpmTarget = {}): string[][] {
  // npm refuses an older version that is to be the latest.
  const tag = release.channel === "latest" ? [] : ["--tag", release.channel];
  const provenance = hasProvenance ? ["--provenance"] : [];
  return npmArchives(release).map((archive) => [
    "npm",
    "publish",
    archive,
    ...provenance,
    "--access",
    "public",
    ...tag,
  ]);
}

/** Publishes what npm does not have yet, so that a release that stopped halfway can go on. */
export async function publishNpm(release: Release, target: NpmTarget = {}): Promise<void> {
  const { env = {} } = target;
  for (const [npm = "", ...args] of npmCommands(release, target)) {
    const name = basename(args[1] ?? "").replace(`-${release.version}.tgz`, "");
    const { code, stdout } = await tryRun("npm", ["view", `${name}@${release.version}`, "version"], { env });
    if (code === 0 && stdout.trim() === release.version) {
      say(`npm has ${name} ${release.version} already`);
      continue;
    }
    await run(npm, args, { env, secret: "identity" });
    say(`published to npm: ${name} ${release.version}`);
  }
}
