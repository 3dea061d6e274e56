import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { BASES_FILE, baseImages, buildCommand } from "../../../../scripts/release/image.ts";
import { imagesText, type PinnedImage } from "../../../../scripts/release/images.ts";
import { imageBom } from "../../../../scripts/release/sbom.ts";
import { repositoryPath } from "../../../support/run-helm.ts";

const DOCKERFILE = `# The tools.
ARG BUILD_IMAGE=docker.io/library/node:24
ARG NODE_IMAGE=gcr.io/distroless/nodejs24:nonroot
ARG LEVEL=5
FROM \${BUILD_IMAGE} AS package
FROM \${NODE_IMAGE}
`;
const DIGEST = `sha256:${"cd".repeat(32)}`;
const BASES = baseImages(DOCKERFILE).map((base, index) => ({ ...base, digest: index === 0 ? null : DIGEST }));

describe("the tools' image", () => {
  it("has each of its bases in the file of digests, and no other", () => {
    const read = (path: string) => readFileSync(repositoryPath(path), "utf8");
    const pinned = JSON.parse(read(BASES_FILE)) as PinnedImage[];
    expect(pinned.map(({ value, image }) => ({ value, image }))).toEqual(baseImages(read("Dockerfile")));
    expect(pinned.map(({ value }) => value)).toContain("NODE_IMAGE");
    expect(read(BASES_FILE)).toBe(imagesText(pinned));
  });

  it("begins from the images that the Dockerfile's arguments name", () => {
    expect(BASES.map(({ value, image }) => `${value} ${image}`)).toEqual([
      "BUILD_IMAGE docker.io/library/node:24",
      "NODE_IMAGE gcr.io/distroless/nodejs24:nonroot",
    ]);
  });

  it("is built for two processors from pinned bases, with provenance and an SBOM", () => {
    const command = buildCommand({ version: "1.2.3" }, BASES, { registry: "example.com/team", metadata: "m.json" });
    expect(command.slice(0, 5)).toEqual(["docker", "buildx", "build", "--platform", "linux/amd64,linux/arm64"]);
    expect(command).toEqual(expect.arrayContaining(["--provenance=mode=max", "--sbom=true", "--push"]));
    expect(command).toContain(`NODE_IMAGE=gcr.io/distroless/nodejs24:nonroot@${DIGEST}`);
    expect(command.slice(-6)).toEqual([
      "--tag",
      "example.com/team/istio-teleport:1.2.3",
      "--metadata-file",
      "m.json",
      "--push",
      ".",
    ]);
  });

  it("has a bill of materials of the package and the bases", () => {
    const ofPackage = {
      bomFormat: "CycloneDX",
      metadata: { component: { version: "1.2.3" } },
      components: [{ type: "library" as const, name: "commander", version: "14.0.0" }],
    };
    const { components, ...rest } = imageBom(ofPackage, BASES);
    expect(components.map(({ type, name }) => `${type} ${name}`)).toEqual([
      "library commander",
      "container docker.io/library/node",
      "container gcr.io/distroless/nodejs24",
    ]);
    expect(components[2]?.purl).toContain("pkg:oci/nodejs24@");
    expect(rest).toEqual({ bomFormat: "CycloneDX", metadata: { component: { version: "1.2.3" } } });
  });
});
