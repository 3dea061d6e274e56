import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { imageDocuments } from "../../../../lab/build/image-archive.ts";

const LOWER = "a".repeat(64);
const UPPER = "b".repeat(64);
const SETTINGS = { Entrypoint: ["/usr/local/bin/tbot"], User: "0:0" };

describe("imageDocuments", () => {
  const [configuration, manifest] = imageDocuments("lab.local/tbot:lab", [LOWER, UPPER], SETTINGS);

  it("names the configuration by its own SHA-256, which is the image's ID", () => {
    const hash = createHash("sha256")
      .update(configuration?.text ?? "")
      .digest("hex");
    expect(configuration?.name).toBe(`${hash}.json`);
  });

  it("lists layers lowest first, as uncompressed tars in the manifest and as diff IDs in the configuration", () => {
    expect(JSON.parse(manifest?.text ?? "")).toEqual([
      { Config: configuration?.name, RepoTags: ["lab.local/tbot:lab"], Layers: [`${LOWER}.tar`, `${UPPER}.tar`] },
    ]);
    const { rootfs, history } = JSON.parse(configuration?.text ?? "");
    expect(rootfs).toEqual({ type: "layers", diff_ids: [`sha256:${LOWER}`, `sha256:${UPPER}`] });
    expect(history).toHaveLength(2);
  });

  it("carries the settings and is the same each time", () => {
    expect(JSON.parse(configuration?.text ?? "").config).toEqual(SETTINGS);
    expect(imageDocuments("lab.local/tbot:lab", [LOWER, UPPER], SETTINGS)).toEqual([configuration, manifest]);
  });
});
