import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { REPOSITORY } from "../../tools/base/documentation.ts";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import type { PinnedImage } from "./images.ts";
import { type OciTarget, signCommand } from "./publish.ts";
import type { Release } from "./release.ts";
import { run } from "./run.ts";

/** Digests of the images that the Dockerfile begins from, by its arguments; `npm run release -- images` writes it. */
export const BASES_FILE = "scripts/release/base-images.json";

/** Processors that the tools' image is made for. */
const PLATFORMS = "linux/amd64,linux/arm64";

/** The images that a Dockerfile begins from: its arguments `…_IMAGE`, with their defaults. */
export function baseImages(dockerfile: string): { value: string; image: string }[] {
  return [...dockerfile.matchAll(/^ARG (\w+_IMAGE)=(\S+)$/gm)].map(([, value = "", image = ""]) => ({ value, image }));
}

/** The command that builds the tools' image from pinned bases and pushes it, with BuildKit's own provenance and SBOM. */
export function buildCommand(
  { version }: Pick<Release, "version">,
  bases: readonly PinnedImage[],
  { registry, metadata }: { readonly registry: string; readonly metadata: string },
): string[] {
  const pinned = bases.flatMap(({ value, image, digest }) => [
    "--build-arg",
    `${value}=${digest === null ? image : `${image}@${digest}`}`,
  ]);
  const labels = { source: REPOSITORY, version, licenses: "Apache-2.0" };
  return [
    ...["docker", "buildx", "build", "--platform", PLATFORMS, "--provenance=mode=max", "--sbom=true"],
    ...pinned,
    ...Object.entries(labels).flatMap(([name, text]) => ["--label", `org.opencontainers.image.${name}=${text}`]),
    ...["--tag", `${registry}/istio-teleport:${version}`, "--metadata-file", metadata, "--push", "."],
  ];
}

/**
 * Builds, pushes and signs the tools' image.
 *
 * @param scratch a folder for what BuildKit says of the image
 * @returns the reference with the digest
 * @throws ExitError (unavailable) when Docker fails or names no digest
 */
export async function publishImage(
  release: Release,
  bases: readonly PinnedImage[],
  target: OciTarget,
  scratch: string,
): Promise<string> {
  const metadata = join(scratch, "image.json");
  const [docker = "", ...build] = buildCommand(release, bases, { registry: target.registry, metadata });
  await run(docker, build, { cwd: release.root });
  const { "containerimage.digest": digest } = JSON.parse(await readFile(metadata, "utf8")) as Record<string, unknown>;
  if (typeof digest !== "string") throw new ExitError("Docker names no digest of the tools' image.", EXIT.unavailable);
  const reference = `${target.registry}/istio-teleport@${digest}`;
  const [cosign = "", ...sign] = signCommand(reference, target);
  await run(cosign, sign, { secret: "identity" });
  return reference;
}
