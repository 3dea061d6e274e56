import { createHash } from "node:crypto";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { sectionOf } from "./changelog.ts";
import { FOLDERS, type Release } from "./release.ts";

/** The public key that people verify the chart with, as the release has it. */
const PUBLIC_KEY_FILE = "istio-teleport-signing-key.asc";

/** Checksums of all that people download, as `sha256sum --check` reads them. */
export const SUMS_FILE = "SHA256SUMS";

/** cosign's signature of the checksums, with the certificate that says who signed. */
export const SUMS_BUNDLE = `${SUMS_FILE}.sigstore.json`;

/** The changelog's section, as the release on GitHub shows it. */
export const NOTES_FILE = "notes.md";

/** Files of a release that people download by name: what index.yaml names, the SBOMs and the public key. */
export async function assets({ folder }: Release): Promise<string[]> {
  const charts = (await readdir(join(folder, FOLDERS.chart))).filter((name) => /\.tgz(\.prov)?$/.test(name));
  const sboms = await readdir(join(folder, FOLDERS.sbom));
  return [
    ...charts.map((name) => join(folder, FOLDERS.chart, name)),
    ...sboms.map((name) => join(folder, FOLDERS.sbom, name)),
    join(folder, PUBLIC_KEY_FILE),
  ];
}

/** Writes the notes, the public key, and the checksums of every file that people download. */
export async function writeSums(release: Release): Promise<void> {
  const changelog = await readFile(join(release.root, "CHANGELOG.md"), "utf8");
  await writeFile(join(release.folder, NOTES_FILE), `${sectionOf(changelog, release.version) ?? ""}\n`);
  await writeFile(join(release.folder, PUBLIC_KEY_FILE), release.signingKey.armoured);
  const lines = await Promise.all(
    (await assets(release)).map(async (file) => {
      const sha256 = createHash("sha256")
        .update(await readFile(file))
        .digest("hex");
      return `${sha256}  ${basename(file)}\n`;
    }),
  );
  await writeFile(join(release.folder, SUMS_FILE), lines.toSorted().join(""));
}
