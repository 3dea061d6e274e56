import { readFile } from "node:fs/promises";
import { join } from "node:path";

/** The command blocks of docs/operate/upgrade.md that verify a chart of the chart repository, and the sums. */
export async function documentedVerification(root: string): Promise<readonly [chart: string, sums: string]> {
  const page = await readFile(join(root, "docs/operate/upgrade.md"), "utf8");
  const blocks = [...page.matchAll(/^ *```sh\n([\s\S]*?)^ *```$/gm)].map(([, block = ""]) => block);
  const only = (words: string) => {
    const found = blocks.filter((block) => block.includes(words));
    if (found.length !== 1 || found[0] === undefined) {
      throw new Error(`docs/operate/upgrade.md has ${found.length} blocks with "${words}"`);
    }
    return found[0];
  };
  return [only("helm pull istio-teleport/istio-teleport"), only("sha256sum --check")];
}
