import { ratioTable } from "../../../tests/bench/support/ratio-table.ts";
import { machineOf, markdownTable, type Result } from "../../../tests/bench/support/result.ts";
import { loadModel } from "./load-model.ts";

/** `<!-- result: NAME -->`, what is generated, `<!-- end -->`. */
const PLACE = /(<!-- (result|ratios|model)(?:: ([\w-]+))? -->\n).*?(<!-- end -->)/gs;

/**
 * docs/performance/README.md with the tables and pictures of the saved results in their places; what is written by hand
 * between the places stays.
 *
 * @param results by the name of their benchmark
 * @param pictures names of the files beside the page
 * @throws Error for a result that has no place
 */
export function performancePage(
  page: string,
  results: ReadonlyMap<string, Result>,
  pictures: ReadonlySet<string>,
): string {
  const placed = new Set<string>();
  const filled = page.replaceAll(PLACE, (_, start: string, kind: string, name: string | undefined, end: string) => {
    if (kind === "ratios") return `${start}${ratioTable([...results.values()])}${end}`;
    if (kind === "model") return `${start}${loadModel(results.get("teleport-load"))}${end}`;
    placed.add(name ?? "");
    const result = results.get(name ?? "");
    return `${start}${result === undefined ? "Not measured yet.\n" : section(result, pictures)}${end}`;
  });
  const homeless = [...results.keys()].filter((name) => !placed.has(name));
  if (homeless.length > 0) {
    throw new Error(
      `docs/performance/README.md has no place for ${homeless.join(", ")}: add <!-- result: NAME --> and <!-- end -->`,
    );
  }
  return filled;
}

function section(result: Result, pictures: ReadonlySet<string>): string {
  const file = `${result.bench}.svg`;
  const picture = pictures.has(file) ? `![${result.title}](${file})\n\n` : "";
  const notes = result.notes.map((note) => `- ${note}\n`).join("");
  return `${picture}${markdownTable(result)}
${notes}- \`${result.command}\`: ${machineOf(result)}
`;
}
