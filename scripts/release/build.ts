import { performance } from "node:perf_hooks";
import { say } from "../../tools/terminal/say.ts";
import { indexCharts } from "./chart-index.ts";
import { packChart } from "./chart-package.ts";
import { packNpm } from "./npm-package.ts";
import type { Release } from "./release.ts";
import { writeSboms } from "./sbom.ts";
import { packSite } from "./site.ts";
import { writeSums } from "./sums.ts";

/** What makes a release's files, in this order. Nothing leaves the machine. */
const STEPS: readonly { readonly title: string; readonly make: (release: Release) => Promise<void> }[] = [
  { title: "npm packages", make: packNpm },
  { title: "chart, signed", make: packChart },
  { title: "chart index", make: indexCharts },
  { title: "documentation site", make: packSite },
  { title: "SBOMs", make: writeSboms },
  { title: "checksums", make: writeSums },
];

/** Makes all files of a release in its folder, and says how far it is. */
export async function buildRelease(release: Release): Promise<void> {
  for (const [index, { title, make }] of STEPS.entries()) {
    const start = performance.now();
    await make(release);
    say(`${index + 1}/${STEPS.length} ${title}: ${((performance.now() - start) / 1000).toFixed(1)} s`);
  }
}
