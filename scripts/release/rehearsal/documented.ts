import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The command blocks of docs/operate/upgrade.md with which people verify a release. */
export interface DocumentedVerification {
  /** Of the chart of the chart repository. */
  readonly chart: string;
  /** Of the chart of the OCI registry; the tools' image has the same command. */
  readonly registry: string;
  /** Of everything that people download. */
  readonly sums: string;
}

/** Reads them; throws unless there is one of each. */
export async function documentedVerification(root: string): Promise<DocumentedVerification> {
  const page = await readFile(join(root, "docs/operate/upgrade.md"), "utf8");
  const blocks = [...page.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, block = ""]) => block);
  const only = (words: string) => {
    const found = blocks.filter((block) => block.includes(words));
    if (found.length !== 1 || found[0] === undefined) {
      throw new Error(`docs/operate/upgrade.md has ${found.length} blocks with "${words}"`);
    }
    return found[0];
  };
  return {
    chart: only("helm pull istio-teleport/istio-teleport"),
    registry: only("cosign verify "),
    sums: only("cosign verify-blob "),
  };
}
