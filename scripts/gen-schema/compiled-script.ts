import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const ENTRY = new URL("../../tools/graph/page/script/main.ts", import.meta.url);

/** The page's script as code that holds it as one text: from its modules, small, and the same for the same sources. */
export async function compiledScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(ENTRY)],
    bundle: true,
    minify: true,
    format: "iife",
    target: "es2022",
    charset: "ascii",
    legalComments: "none",
    write: false,
  });
  // As the content of an element of HTML, which such an end tag would end.
  const text = (outputFiles[0]?.text ?? "").trim().replaceAll("</", "<\\/");
  return `// Generated from script/ by npm run gen-schema; do not edit.\n\n/** What the page runs in the browser. */\nexport const PAGE_SCRIPT = ${JSON.stringify(text)};\n`;
}
