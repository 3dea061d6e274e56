/**
 * `npm run gen-schema`: makes what follows from chart/values.yaml (the schema that Helm and our tools validate with, the
 * TypeScript types, and the values reference), from the schema of reports, from the commands and from the saved results of
 * benchmarks, compiles schemas, templates and the pages' script to code, and lists the pages' blocks of commands. `--check`
 * writes nothing and exits 1 when a file is stale.
 */
import { readdir, readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { parse } from "yaml";
import type { Result } from "../../tests/bench/support/result.ts";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { shellBlocksPage } from "../shell-blocks/list.ts";
import { chartReadme } from "./chart-readme.ts";
import { commandReference } from "./command-reference.ts";
import { compiledReportSchema, compiledSchemas } from "./compiled-schemas.ts";
import { compiledScript } from "./compiled-script.ts";
import { compiledTemplates } from "./compiled-templates.ts";
import { generate, reportTypes } from "./generate.ts";
import { graphs } from "./performance/graphs.ts";
import { performancePage } from "./performance/page.ts";

const ROOT = new URL("../../", import.meta.url);

async function main(): Promise<void> {
  const { values: flags } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  const read = (path: string) => readFile(new URL(path, ROOT), "utf8");
  const files = await generate(await read("chart/values.yaml"), await read("chart/Chart.yaml"));
  for (const [path, content] of compiledSchemas(JSON.parse(files.get("chart/values.schema.json") ?? ""))) {
    files.set(path, content);
  }
  files.set("chart/README.md", chartReadme(await read("chart/README.md"), await read("chart/values.yaml")));
  files.set("tools/values/defaults.ts", defaults(await read("chart/values.yaml")));
  files.set("tools/teleport/compiled-templates.ts", compiledTemplates(await templates()));
  const reportSchema = JSON.parse(await read("docs/reference/report.schema.json"));
  files.set("tools/report/compiled-report-schema.ts", compiledReportSchema(reportSchema));
  files.set("tools/report/document.ts", await reportTypes(reportSchema));
  files.set("docs/reference/commands.md", commandReference());
  files.set("tools/graph/page/compiled-script.ts", await compiledScript());
  files.set("docs/proof/shell-blocks.md", shellBlocksPage());
  const results = await savedResults();
  const pictures = graphs(results);
  for (const [name, picture] of pictures) files.set(`docs/performance/${name}`, picture);
  const performance = await read("docs/performance/README.md");
  files.set("docs/performance/README.md", performancePage(performance, results, new Set(pictures.keys())));
  if (flags.check) {
    const stale: string[] = [];
    for (const [path, content] of files) if ((await read(path).catch(() => "")) !== content) stale.push(path);
    if (stale.length > 0) {
      throw new ExitError(
        `Stale generated files: ${stale.join(", ")}; run \`npm run gen-schema\` and commit the result.`,
      );
    }
    return;
  }
  for (const [path, content] of files) await writeFile(new URL(path, ROOT), content);
}

/** The chart's defaults as code: reading them from YAML would cost every command without values more than its work. */
function defaults(valuesText: string): string {
  const text = JSON.stringify(parse(valuesText), null, 2);
  return `// Generated from chart/values.yaml by npm run gen-schema; do not edit.\nimport type { Values } from "./types.ts";\n\n/** The chart's own defaults, unchecked: without a cluster name they are not yet legal. */\nexport const DEFAULTS: Values = ${text};\n`;
}

/** What benchmarks saved, by their names. */
async function savedResults(): Promise<Map<string, Result>> {
  const folder = new URL("docs/performance/results/", ROOT);
  const files = (await readdir(folder)).toSorted();
  const results = files.map(async (file) => JSON.parse(await readFile(new URL(file, folder), "utf8")) as Result);
  return new Map((await Promise.all(results)).map((result) => [result.bench, result]));
}

/** The templates of Teleport's documents: file name without `.yaml.hbs` → text. */
async function templates(): Promise<Map<string, string>> {
  const folder = new URL("tools/teleport/templates/", ROOT);
  const files = (await readdir(folder)).toSorted();
  return new Map(
    await Promise.all(
      files.map(
        async (file) => [file.replace(".yaml.hbs", ""), await readFile(new URL(file, folder), "utf8")] as const,
      ),
    ),
  );
}

try {
  await main();
} catch (error) {
  process.stderr.write(`gen-schema: ${(error as Error).message}\n`);
  process.exitCode = error instanceof ExitError ? error.code : EXIT.internal;
}
