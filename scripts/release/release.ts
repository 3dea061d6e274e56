import type { Channel } from "./channel.ts";
import type { SigningKey } from "./signing-key.ts";

/** One release, as all its steps see it. Folders are absolute. */
export interface Release {
  readonly version: string;
  /** The repository's root. */
  readonly root: string;
  /** Where the artifacts go: `npm/`, `chart/`, `sbom/`, `site/`, SHA256SUMS. */
  readonly folder: string;
  /** Where people get chart archives by HTTP: the base of the URLs in index.yaml. */
  readonly archives: string;
  /** An index.yaml with the releases before this one; undefined for the first. */
  readonly previousIndex: string | undefined;
  /** Who gets it. */
  readonly channel: Channel;
  /** What the chart is signed with. */
  readonly signingKey: SigningKey;
}

/** Folders below a release's folder. */
export const FOLDERS = { npm: "npm", chart: "chart", sbom: "sbom", site: "site" } as const;
