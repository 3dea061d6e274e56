/**
 * `npm run gen-schema`: makes what follows from chart/values.yaml: the schema that Helm and our tools validate with,
 * the TypeScript types, and the values reference. `--check` writes nothing and exits 1 when a file is stale.
 */
import { readFile, writeFile } from "node:fs/promises";
import { parseArgs } from "node:util";
import { EXIT, ExitError } from "../../tools/base/exit-error.ts";
import { generate } from "./generate.ts";

const ROOT = new URL("../../", import.meta.url);

async function main(): Promise<void> {
  const { values: flags } = parseArgs({ options: { check: { type: "boolean", default: false } } });
  const read = (path: string) => readFile(new URL(path, ROOT), "utf8");
  const files = await generate(await read("chart/values.yaml"), await read("chart/Chart.yaml"));
  if (flags.check) {
    const stale: string[] = [];
    for (const [path, content] of files) if ((await read(path).catch(() => "")) !== content) stale.push(path);
    if (stale.length > 0) {
      throw new ExitError(
        `Not what chart/values.yaml says: ${stale.join(", ")}; run \`npm run gen-schema\` and commit the result.`,
      );
    }
    return;
  }
  for (const [path, content] of files) await writeFile(new URL(path, ROOT), content);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`gen-schema: ${(error as Error).message}\n`);
  process.exitCode = error instanceof ExitError ? error.code : EXIT.internal;
}
