import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { CHART_DIR } from "../base/package-files.ts";

/** What Kubernetes takes in a Secret, bytes (core/v1, MaxSecretSize); Helm keeps each release in one. */
export const MAX_RELEASE_BYTES = 1024 * 1024;

/**
 * About how many bytes Helm's record of a release takes: chart, values and rendered objects as JSON, compressed and in
 * base64 (Helm pkg/storage/driver/util.go). In the lab it is within a twentieth of Helm's own.
 *
 * @param manifests the chart, rendered
 * @param config the values
 */
export async function releaseBytes(manifests: string, config: unknown): Promise<number> {
  const files = (await readdir(CHART_DIR, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const chart = await Promise.all(
    files.map(async ({ parentPath, name }) => (await readFile(join(parentPath, name))).toString("base64")),
  );
  const compressed = await promisify(gzip)(JSON.stringify({ chart, config, manifest: manifests }), { level: 9 });
  return Math.ceil(compressed.length / 3) * 4;
}
