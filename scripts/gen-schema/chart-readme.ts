import { REPOSITORY } from "../../tools/base/documentation.ts";
import { readValueNodes } from "./values-comments.ts";
import { valuesTables } from "./values-reference.ts";

const MARK = "<!-- Generated from chart/values.yaml by npm run gen-schema; do not edit what follows. -->\n";

/**
 * chart/README.md, which `helm show readme` and Artifact Hub show: what is written by hand, then the table of values.
 * Who reads it has no docs/ folder, so pages that descriptions name become links.
 *
 * @param readme the file as it is; all after the mark is replaced
 */
export function chartReadme(readme: string, valuesText: string): string {
  const [written] = readme.split(MARK);
  const tables = valuesTables(readValueNodes(valuesText), "###");
  return `${written}${MARK}\n${tables.replaceAll(/\bdocs\/[\w/-]+\.md/g, (path) => `[${path}](${REPOSITORY}/blob/main/${path})`)}`;
}
