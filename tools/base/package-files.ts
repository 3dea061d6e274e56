import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The chart that this package ships; the path is the same from tools/base and from dist/base. */
export const CHART_DIR = fileURLToPath(new URL("../../chart", import.meta.url));

let version: string | undefined;

/** Version of this package, which is the chart's, too. Read once. */
export function packageVersion(): string {
  version ??= (JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8")) as { version: string })
    .version;
  return version;
}
