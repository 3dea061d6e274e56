import { blocksOf, pages, type ShellBlock } from "./blocks.ts";
import { takers } from "./takers.ts";

/** docs/proof/shell-blocks.md: each block of commands, and who runs it or why nobody does. */
export function shellBlocksPage(): string {
  const blocks = pages().flatMap(blocksOf);
  const all = takers();
  const count = (kind: string) => blocks.filter(({ fate }) => fate?.kind === kind).length;
  const soak = blocks.filter(({ fate }) => fate?.kind === "run" && fate.soak).length;
  const rehearsed = blocks.filter(
    (block) => block.fate?.kind === "run" && filesOf(block, all).every((file) => !isOfGate(file)),
  ).length;
  const rows = blocks.map(
    (block) => `| ${[pageOf(block), block.heading, firstLine(block), whatOf(block, all)].join(" | ")} |`,
  );
  return `<!-- Generated from the pages and the tests by npm run gen-schema; do not edit. -->
# Shell blocks

The documentation has ${blocks.length} blocks of commands. Tests run ${count("run") - rehearsed} of them as they are on the page, ${soak} of these only with \`LAB_SOAK=1\`. Not the gate but the rehearsal of a release (\`npm run release -- --rehearse\`) runs ${rehearsed}. ${count("same")} more repeat blocks that are run. ${count("not run")} are not run.

A test takes a block from its page by the marker above it, so that a changed block changes what is run. \`tests/unit/documents/shell-blocks.test.ts\` fails for a block without a marker, for a marker that no test takes, and for a repeated block that differs. What differs where a block is run (the lab's names, images and chart repositories) is in the test that the last column names.

| page | section | begins with | run by |
|---|---|---|---|
${rows.join("\n")}
`;
}

const pageOf = ({ page }: ShellBlock) =>
  page.startsWith("docs/") ? `[${page}](../${page.slice(5)})` : `[${page}](../../${page})`;

/** What the block does first, short enough for a table. */
function firstLine({ script }: ShellBlock): string {
  const line = (script.split("\n")[0] ?? "").replace(/\s+#.*$/, "");
  const short = line.length > 60 ? `${line.slice(0, 59)}…` : line;
  return `\`${short.replaceAll("|", "\\|")}\``;
}

function whatOf(block: ShellBlock, all: ReturnType<typeof takers>): string {
  const { fate } = block;
  if (fate === undefined) return "";
  if (fate.kind === "not run") return `not run: ${fate.reason}`;
  if (fate.kind === "same") return `the same as ${fate.blocks.join(", ")}`;
  const files = filesOf(block, all);
  return files.map((file) => `\`${file}\``).join(", ") + (fate.soak ? ", with `LAB_SOAK=1`" : "");
}

/** The files that take a block. */
function filesOf({ page, fate }: ShellBlock, all: ReturnType<typeof takers>): string[] {
  if (fate?.kind !== "run") return [];
  return all
    .filter(({ takes }) => fate.names.some((name) => takes.includes(`${page}#${name}`)))
    .map(({ file }) => file);
}

/** Whether .ci/run runs what a file takes. */
function isOfGate(file: string): boolean {
  return !/^(scripts\/release|tests\/(bench|published))\//.test(file);
}
