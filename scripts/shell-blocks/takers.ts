import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A file that takes blocks from pages: tests and what they share, the lab and the rehearsal of a release that play a user, the gate. */
interface Taker {
  readonly file: string;
  /** `page.md#name` of what it takes. */
  readonly takes: readonly string[];
  /** Calls that take something whose name is not written there, so that nobody can tell what. */
  readonly hidden: readonly string[];
}

/** How TypeScript takes a block, and how the gate's shell does. */
const CALL = /\bshellBlocks?\(\s*(?:"([^"]+)"|([^)]*))/g;
const COMMAND = /scripts\/shell-blocks\/cli\.ts\s+(?:([^\s$"')]+)|([^\s]*))/g;

/** Everybody who takes blocks. */
export function takers(): Taker[] {
  const sources = ["tests", "lab", "scripts/release"].flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
      .filter((file) => file.endsWith(".ts"))
      .map((file) => join(folder, file)),
  );
  return [...sources.map((file) => taker(file, CALL)), taker(".ci/run", COMMAND)]
    .filter(({ takes, hidden }) => takes.length + hidden.length > 0)
    .toSorted((a, b) => a.file.localeCompare(b.file));
}

function taker(file: string, how: RegExp): Taker {
  const found = [...readFileSync(join(ROOT, file), "utf8").matchAll(how)];
  return {
    file,
    takes: found.flatMap(([, literal]) => literal ?? []),
    hidden: found.filter(([, literal]) => literal === undefined).map(([call]) => call),
  };
}
