import { createHash } from "node:crypto";

/** What a container of the image runs, in the terms of the OCI image configuration. */
export interface ImageSettings {
  readonly Entrypoint: readonly string[];
  /** uid:gid, numeric. */
  readonly User: string;
  readonly Env?: readonly string[];
  readonly WorkingDir?: string;
}

/** A file of a docker-archive (the format of `docker save`): its name in the archive and its text. */
export interface ArchiveText {
  readonly name: string;
  readonly text: string;
}

/** Fixed, so that the same content gives the same bytes. */
const CREATED = "1970-01-01T00:00:00Z";

/** Name of a layer in the archive, from the SHA-256 (hex) of its tar. */
export function layerName(sha256: string): string {
  return `${sha256}.tar`;
}

/**
 * The two JSON files that make a docker-archive out of layer tars: the image configuration, named by its own hash, and `manifest.json`.
 *
 * @param reference name and tag, e.g. `lab.local/pause:lab`
 * @param layers SHA-256 (hex) of each layer's uncompressed tar, lowest first
 */
export function imageDocuments(
  reference: string,
  layers: readonly string[],
  settings: ImageSettings,
): readonly ArchiveText[] {
  const configuration = JSON.stringify({
    architecture: "amd64",
    os: "linux",
    created: CREATED,
    config: settings,
    rootfs: { type: "layers", diff_ids: layers.map((sha256) => `sha256:${sha256}`) },
    history: layers.map(() => ({ created: CREATED, created_by: "istio-teleport lab" })),
  });
  const name = `${createHash("sha256").update(configuration).digest("hex")}.json`;
  const manifest = JSON.stringify([{ Config: name, RepoTags: [reference], Layers: layers.map(layerName) }]);
  return [
    { name, text: configuration },
    { name: "manifest.json", text: manifest },
  ];
}
