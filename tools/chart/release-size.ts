import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";
import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { CHART_DIR } from "../base/package-files.ts";
import { DEFAULTS } from "../values/defaults.ts";

/** What Kubernetes takes in a Secret, bytes (core/v1, MaxSecretSize); Helm keeps each release in one. */
export const MAX_RELEASE_BYTES = 1024 * 1024;

/** Helm's record has the chart without its subcharts and without the comments of its values, and never what .helmignore names. */
const NOT_KEPT = /^(charts|ci)[/\\]|^(Chart|values)\.yaml$/;

/**
 * About how many bytes Helm's record of a release takes: chart, values and rendered objects as JSON, compressed and in
 * base64 (Helm pkg/storage/driver/util.go). tests/lab/03-accepted.test.ts compares it with Helm's own.
 *
 * @param manifests the chart, rendered
 * @param config the values
 */
export async function releaseBytes(manifests: string, config: unknown): Promise<number> {
  const entries = await readdir(CHART_DIR, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
  const kept = files.filter((file) => !NOT_KEPT.test(relative(CHART_DIR, file)));
  const chart = await Promise.all(kept.map(async (file) => (await readFile(file)).toString("base64")));
  const compressed = await promisify(gzip)(JSON.stringify({ chart, values: DEFAULTS, config, manifest: manifests }), {
    level: 9,
  });
  return Math.ceil(compressed.length / 3) * 4;
}
