import { join } from "node:path";
import { FOLDERS, type Release } from "./release.ts";
import { run } from "./run.ts";

/** Writes index.yaml beside the packed chart: this release, and those of the index before it, with their own URLs. */
export async function indexCharts({ folder, archives, previousIndex }: Release): Promise<void> {
  const merge = previousIndex === undefined ? [] : ["--merge", previousIndex];
  await run("helm", ["repo", "index", join(folder, FOLDERS.chart), "--url", archives, ...merge]);
}
