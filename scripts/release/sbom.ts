import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { chartArchive } from "./chart-package.ts";
import { BASES_FILE } from "./image.ts";
import { type PinnedImage, pinnedImages } from "./images.ts";
import { FOLDERS, type Release } from "./release.ts";
import { run } from "./run.ts";

/** A component of a CycloneDX bill of materials, as far as ours have it. */
interface Component {
  readonly type: "application" | "container" | "file" | "library";
  readonly name: string;
  readonly version?: string;
  readonly purl?: string;
  readonly hashes?: readonly { readonly alg: "SHA-256"; readonly content: string }[];
}

/** The parts of a CycloneDX document that are read here. */
interface Bom {
  readonly bomFormat: string;
  readonly metadata: { readonly component: { readonly version: string } };
  readonly components: readonly Component[];
}

/** Writes the bills of materials (CycloneDX): of the npm package by npm, of the tools' image and the chart from pinned images. */
export async function writeSboms(release: Release): Promise<void> {
  const { root, folder, version } = release;
  const target = join(folder, FOLDERS.sbom);
  await mkdir(target, { recursive: true });
  const ofPackage = await run("npm", ["sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--omit", "peer"], {
    cwd: root,
  });
  refuseEmpty(JSON.parse(ofPackage) as Bom, version);
  await writeFile(join(target, `istio-teleport-${version}.cdx.json`), ofPackage);
  const ofImage = imageBom(JSON.parse(ofPackage) as Bom, await pinnedImages(root, BASES_FILE));
  await writeFile(join(target, `istio-teleport-image-${version}.cdx.json`), `${JSON.stringify(ofImage, null, 2)}\n`);
  const archive = chartArchive(release);
  const sha256 = createHash("sha256")
    .update(await readFile(archive))
    .digest("hex");
  const ofChart = chartBom({ version, archive: basename(archive), sha256, images: await pinnedImages(root) });
  await writeFile(join(target, `istio-teleport-chart-${version}.cdx.json`), `${JSON.stringify(ofChart, null, 2)}\n`);
}

/** A bill of materials without a dependency would be a lie that nobody sees. */
function refuseEmpty({ bomFormat, metadata, components }: Bom, version: string): void {
  const names = components.map(({ name }) => name);
  if (bomFormat !== "CycloneDX" || metadata.component.version !== version || !names.includes("commander")) {
    throw new ExitError(
      `npm sbom lists ${names.length} dependencies of version ${metadata.component.version}; run \`npm ci\` first.`,
      EXIT.unavailable,
    );
  }
}

/** What the tools' image is made of: the package with its dependencies, on its bases. What those hold, BuildKit's SBOM says. */
export function imageBom(ofPackage: Bom, bases: readonly PinnedImage[]): Bom {
  return { ...ofPackage, components: [...ofPackage.components, ...bases.map(imageComponent)] };
}

/** What the chart brings into a cluster: the archive, and each image that its default values name. */
export function chartBom(chart: {
  readonly version: string;
  /** Name of the archive. */
  readonly archive: string;
  readonly sha256: string;
  readonly images: readonly PinnedImage[];
}): object {
  const images = new Map(chart.images.map((image) => [image.image, image]));
  return {
    $schema: "http://cyclonedx.org/schema/bom-1.5.schema.json",
    bomFormat: "CycloneDX",
    specVersion: "1.5",
    version: 1,
    metadata: {
      component: {
        type: "application",
        "bom-ref": "chart",
        name: "istio-teleport (Helm chart)",
        version: chart.version,
        purl: `pkg:helm/istio-teleport@${chart.version}`,
        licenses: [{ license: { id: "Apache-2.0" } }],
        hashes: [{ alg: "SHA-256", content: chart.sha256 }],
        properties: [{ name: "istio-teleport:archive", value: chart.archive }],
      },
    },
    components: [...images.values()].map(imageComponent),
  };
}

function imageComponent({ image, digest }: PinnedImage): Component & { "bom-ref": string } {
  const [, name = image, tag = ""] = /^(.*):([^:/]+)$/.exec(image) ?? [];
  const qualifiers = new URLSearchParams({ repository_url: name, tag });
  const last = name.replace(/^.*\//, "").toLowerCase();
  return {
    type: "container",
    "bom-ref": image,
    name,
    version: tag,
    // Without a digest nothing says which image it is, so there is no package URL.
    ...(digest !== null && {
      purl: `pkg:oci/${last}@${encodeURIComponent(digest)}?${qualifiers}`,
      hashes: [{ alg: "SHA-256" as const, content: digest.replace("sha256:", "") }],
    }),
  };
}
