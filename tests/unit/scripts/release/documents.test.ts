import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { changesOf, sectionOf } from "../../../../scripts/release/changelog.ts";
import { releaseAnnotations, withAnnotations } from "../../../../scripts/release/chart-package.ts";
import { chartBom } from "../../../../scripts/release/sbom.ts";
import { PAGES_WITH_VERSION, pageWithVersion, withVersion } from "../../../../scripts/release/version.ts";
import { repositoryPath } from "../../../support/run-helm.ts";

/** What a release writes, from plain data. */

const CHART = readFileSync(repositoryPath("chart/Chart.yaml"), "utf8");
const DIGEST = `sha256:${"ab".repeat(32)}`;
const IMAGES = [
  { value: "tbot.image", image: "example.com/team/tbot:18.1", digest: DIGEST },
  { value: "a.image", image: "example.com/db:4", digest: null },
  { value: "b.image", image: "example.com/db:4", digest: null },
];
const CHANGELOG = `# Changelog

## 1.1.0

### Minor Changes

- 1a2b3c4: A value
  on two lines.

### Patch Changes

- A fix.

## 1.0.0

### Added

- Old.
`;

describe("the changelog", () => {
  it("has a section for a version", () => {
    expect(sectionOf(CHANGELOG, "1.0.0")).toBe("### Added\n\n- Old.");
    expect(sectionOf(CHANGELOG, "1.1")).toBeUndefined();
  });

  it("gives Artifact Hub's changes", () => {
    expect(changesOf(sectionOf(CHANGELOG, "1.1.0") ?? "")).toEqual([
      { kind: "added", description: "1a2b3c4: A value on two lines." },
      { kind: "fixed", description: "A fix." },
    ]);
  });

  it("has a section for the version of this checkout, whose changes can be told", () => {
    const section = sectionOf(readFileSync(repositoryPath("CHANGELOG.md"), "utf8"), parse(CHART).version);
    expect(changesOf(section ?? "").length).toBeGreaterThan(0);
  });
});

describe("the packed Chart.yaml", () => {
  const annotations = releaseAnnotations({
    version: "1.1.0-rc.1",
    section: sectionOf(CHANGELOG, "1.1.0") ?? "",
    images: IMAGES,
    fingerprint: "ABCD",
  });
  const packed = parse(withAnnotations(CHART, annotations)) as { annotations: Record<string, string> };
  const annotation = (name: string) => parse(packed.annotations[`artifacthub.io/${name}`] ?? "");

  it("names each image once, with its digest where it is known", () => {
    expect(annotation("images")).toEqual([
      { name: "tbot", image: `example.com/team/tbot:18.1@${DIGEST}` },
      { name: "db", image: "example.com/db:4" },
    ]);
  });

  it("says what changed, who signed, and what kind of release it is", () => {
    expect(annotation("changes")).toHaveLength(2);
    expect(annotation("signKey")).toEqual({
      fingerprint: "ABCD",
      url: expect.stringMatching(/\/releases\/download\/v1\.1\.0-rc\.1\/istio-teleport-signing-key\.asc$/),
    });
    expect(packed.annotations["artifacthub.io/prerelease"]).toBe("true");
  });

  it("keeps what Chart.yaml says for all releases", () => {
    const { annotations: own, ...rest } = parse(CHART);
    expect(packed).toMatchObject({ ...rest, annotations: own });
    expect(annotation("category")).toBe("security");
    expect(annotation("license")).toBe("Apache-2.0");
    expect(annotation("links").length).toBeGreaterThan(2);
    expect(rest.icon).toMatch(/^https:.*\/chart\/icon\.svg$/);
    expect(rest.maintainers).toHaveLength(1);
  });
});

it("each page that names this version is among those that a new one changes", () => {
  const { version } = parse(CHART) as { version: string };
  const named = new RegExp(`(istio-teleport[-:]|\\bversion: )${version.replaceAll(".", "\\.")}\\b`);
  const pages = readdirSync(repositoryPath("docs"), { recursive: true, encoding: "utf8" })
    .map((file) => `docs/${file}`)
    .filter((file) => file.endsWith(".md") && !file.startsWith("docs/proof/"));
  const read = (page: string) => readFileSync(repositoryPath(page), "utf8");
  expect(pages.filter((page) => named.test(read(page))).toSorted()).toEqual(PAGES_WITH_VERSION);
  const left = PAGES_WITH_VERSION.filter((page) => named.test(pageWithVersion(read(page), version, "9.8.7")));
  expect(left).toEqual([]);
});

it("another version of Chart.yaml differs from it in versions alone", () => {
  const changed = withVersion(CHART, "9.8.7");
  expect(changed.replaceAll("9.8.7", parse(CHART).version)).toBe(CHART);
  expect(changed.match(/9\.8\.7/g)).toHaveLength(1 + parse(CHART).dependencies.length);
});

it("the chart's SBOM lists each image once, and a package URL only with a digest", () => {
  const { components, metadata } = chartBom({ version: "1.1.0", archive: "x.tgz", sha256: "ff", images: IMAGES }) as {
    components: { name: string; version: string; purl?: string }[];
    metadata: { component: { hashes: object[] } };
  };
  expect(components.map(({ name, version, purl }) => ({ name, version, purl }))).toEqual([
    {
      name: "example.com/team/tbot",
      version: "18.1",
      purl: `pkg:oci/tbot@sha256%3A${"ab".repeat(32)}?repository_url=example.com%2Fteam%2Ftbot&tag=18.1`,
    },
    { name: "example.com/db", version: "4", purl: undefined },
  ]);
  expect(metadata.component.hashes).toEqual([{ alg: "SHA-256", content: "ff" }]);
});
