import { cp, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { parseDocument, stringify } from "yaml";
import { REPOSITORY } from "../../tools/base/documentation.ts";
import { withTempDir } from "../../tools/programs/temp-dir.ts";
import { changesOf, sectionOf } from "./changelog.ts";
import { type PinnedImage, pinnedImages } from "./images.ts";
import { FOLDERS, type Release } from "./release.ts";
import { run } from "./run.ts";

/** Path of the packed chart; its provenance file is the same with `.prov`. */
export function chartArchive({ folder, version }: Release): string {
  return join(folder, FOLDERS.chart, `istio-teleport-${version}.tgz`);
}

/**
 * Packs the chart with the licence and with the annotations that only a release knows, and signs it. What Helm made is
 * verified once, with the public key alone.
 */
export async function packChart(release: Release): Promise<void> {
  const { root, signingKey, folder, version } = release;
  const target = join(folder, FOLDERS.chart);
  await mkdir(target, { recursive: true });
  await withTempDir(async (temp) => {
    const chart = join(temp, "istio-teleport");
    await cp(join(root, "chart"), chart, { recursive: true });
    await cp(join(root, "LICENSE"), join(chart, "LICENSE"));
    const changelog = await readFile(join(root, "CHANGELOG.md"), "utf8");
    const annotations = releaseAnnotations({
      version,
      section: sectionOf(changelog, version) ?? "",
      images: await pinnedImages(root),
      fingerprint: signingKey.fingerprint,
    });
    const file = join(chart, "Chart.yaml");
    await writeFile(file, withAnnotations(await readFile(file, "utf8"), annotations));
    const sign = ["--sign", "--key", signingKey.name, "--keyring", signingKey.secretKeyring];
    await run("helm", ["package", chart, "--destination", target, ...sign]);
  });
  await run("helm", ["verify", chartArchive(release), "--keyring", signingKey.publicKeyring]);
}

/** What Artifact Hub is told of a release: annotation → its text, which is YAML for lists and maps. */
export function releaseAnnotations(facts: {
  readonly version: string;
  /** The version's section of the changelog. */
  readonly section: string;
  readonly images: readonly PinnedImage[];
  readonly fingerprint: string;
}): Map<string, string> {
  const images = new Map(
    facts.images.map(({ image, digest }) => [
      image,
      { name: nameOf(image), image: digest === null ? image : `${image}@${digest}` },
    ]),
  );
  return new Map([
    ["artifacthub.io/prerelease", String(facts.version.includes("-"))],
    ["artifacthub.io/images", stringify([...images.values()])],
    ["artifacthub.io/changes", stringify(changesOf(facts.section), { lineWidth: 0 })],
    [
      "artifacthub.io/signKey",
      stringify({
        fingerprint: facts.fingerprint,
        url: `${REPOSITORY}/releases/download/v${facts.version}/istio-teleport-signing-key.asc`,
      }),
    ],
  ]);
}

/** The last part of an image's name: `docker.io/library/mongo:4.4.0` → `mongo`. */
function nameOf(image: string): string {
  return image.replace(/^.*\//, "").replace(/:.*$/, "");
}

/** A Chart.yaml with further annotations; comments and order stay. */
export function withAnnotations(chartText: string, annotations: ReadonlyMap<string, string>): string {
  const document = parseDocument(chartText);
  for (const [name, text] of annotations) document.setIn(["annotations", name], text);
  return document.toString({ lineWidth: 0, flowCollectionPadding: false });
}
