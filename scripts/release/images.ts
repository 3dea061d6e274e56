import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { parse } from "yaml";
import { run } from "./run.ts";

/** An image that the chart runs by default, or that the tools' own image begins from. */
export interface PinnedImage {
  /** Where values.yaml has it (`tbot.image`, `sockShop.images.carts`), or the argument of the Dockerfile. */
  readonly value: string;
  /** Name and tag, as a pod would have it. */
  readonly image: string;
  /** `sha256:…` of what the tag meant when the file was refreshed; null before that. */
  readonly digest: string | null;
}

/** What the file is called. `npm run release -- images` writes it; Renovate keeps it (renovate.json). */
export const IMAGES_FILE = "chart/images.json";

/** The pinned images of a file of a checkout. */
export async function pinnedImages(root: string, file: string = IMAGES_FILE): Promise<PinnedImage[]> {
  return JSON.parse(await readFile(join(root, file), "utf8")) as PinnedImage[];
}

/** The images that values name, in their order. A value whose key has "image" in it and that has a tag is one. */
export function imagesOf(valuesText: string): { value: string; image: string }[] {
  return below(parse(valuesText), []);
}

function below(node: unknown, path: readonly string[]): { value: string; image: string }[] {
  if (typeof node === "string") {
    return path.some((key) => /image/i.test(key)) && /^[^\s:]+\/[^\s:]+:[\w.-]+$/.test(node)
      ? [{ value: path.join("."), image: node }]
      : [];
  }
  if (typeof node !== "object" || node === null) return [];
  const { repository, tag } = node as { repository?: unknown; tag?: unknown };
  if (typeof repository === "string" && typeof tag === "string") {
    return [{ value: path.join("."), image: `${repository}:${tag}` }];
  }
  return Object.entries(node).flatMap(([key, value]) => below(value, [...path, key]));
}

/** Those without a digest. */
export function unpinned(images: readonly PinnedImage[]): PinnedImage[] {
  return images.filter(({ digest }) => digest === null);
}

/**
 * Asks each image's registry what its tag means now.
 *
 * @param crane path of the program
 * @param isInsecure whether registries are asked over HTTP, for a local one
 * @throws ExitError (unavailable) with the registry's reason
 */
export async function withDigests(
  images: readonly { value: string; image: string }[],
  crane: string,
  { isInsecure = false } = {},
): Promise<PinnedImage[]> {
  const digests = new Map<string, string>();
  for (const { image } of images) {
    if (digests.has(image)) continue;
    const asked = await run(crane, ["digest", ...(isInsecure ? ["--insecure"] : []), image]);
    digests.set(image, asked.trim());
  }
  return images.map(({ value, image }) => ({ value, image, digest: digests.get(image) ?? null }));
}

/** The file's text. */
export function imagesText(images: readonly PinnedImage[]): string {
  return `${JSON.stringify(images, null, 2)}\n`;
}
