import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BASES_FILE } from "../../../../scripts/release/image.ts";
import { IMAGES_FILE, imagesOf, imagesText, type PinnedImage } from "../../../../scripts/release/images.ts";
import { repositoryPath } from "../../../support/run-helm.ts";

const read = (path: string) => readFileSync(repositoryPath(path), "utf8");
const VALUES = read("chart/values.yaml");
const PINNED = JSON.parse(read(IMAGES_FILE)) as PinnedImage[];
const BASES = JSON.parse(read(BASES_FILE)) as PinnedImage[];
const NAMES = PINNED.map(({ image }) => image);

describe(IMAGES_FILE, () => {
  it("has each image that the values name, and no other", () => {
    expect(PINNED.map(({ value, image }) => ({ value, image }))).toEqual(imagesOf(VALUES));
    expect(PINNED.map(({ value }) => value)).toEqual(
      expect.arrayContaining(["tbot.image", "tbot.csi.driverImage", "testApp.server.image", "sockShop.images.carts"]),
    );
  });

  it("is as `npm run release -- images` writes it, with digests or none yet", () => {
    expect(read(IMAGES_FILE)).toBe(imagesText(PINNED));
    for (const { digest } of PINNED) expect(digest ?? `sha256:${"0".repeat(64)}`).toMatch(/^sha256:[0-9a-f]{64}$/);
  });
});

describe("renovate.json", () => {
  const { customManagers } = JSON.parse(read("renovate.json")) as {
    customManagers: { managerFilePatterns: string[]; matchStrings: string[]; depNameTemplate?: string }[];
  };
  /** The images that the rules for a file find in a text, once each, in the order of their names. */
  const found = (file: string, text: string) => {
    const managers = customManagers.filter(({ managerFilePatterns: [pattern = ""] }) =>
      new RegExp(pattern.slice(1, -1)).test(file),
    );
    const images = managers.flatMap(({ matchStrings, depNameTemplate }) =>
      matchStrings.flatMap((pattern) =>
        [...text.matchAll(new RegExp(pattern, "g"))].map(
          ({ groups }) => `${groups?.depName ?? depNameTemplate}:${groups?.currentValue}`,
        ),
      ),
    );
    return [...new Set(images)].toSorted();
  };

  it.each([IMAGES_FILE, "chart/values.yaml"])("finds every image in %s", (file) => {
    expect(found(file, read(file))).toEqual([...new Set(NAMES)].toSorted());
  });

  it("finds every image that the tools' image begins from", () => {
    expect(found(BASES_FILE, read(BASES_FILE))).toEqual(BASES.map(({ image }) => image).toSorted());
  });

  it("finds tbot's version in Chart.yaml", () => {
    expect(found("chart/Chart.yaml", read("chart/Chart.yaml"))).toEqual([NAMES[0]]);
  });

  it("finds a digest where there is one", () => {
    const digest = `sha256:${"a".repeat(64)}`;
    const [manager] = customManagers;
    const text = imagesText([{ value: "a", image: "docker.io/a/b:1", digest }]);
    expect(new RegExp(manager?.matchStrings[0] ?? "").exec(text)?.groups).toEqual({
      depName: "docker.io/a/b",
      currentValue: "1",
      currentDigest: digest,
    });
  });
});
