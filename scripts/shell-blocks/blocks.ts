import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** Why a block is not run; a marker names one of these and nothing else. */
export const NOT_RUN = [
  "the gate runs its commands one by one",
  "a benchmark, which measures the machine",
  "a maintainer's release",
  "needs a published release",
  "needs a real Teleport",
  "needs kind or minikube",
  "needs a container engine",
  "needs zsh or fish",
  "serves until it is stopped, or needs a network",
  "starts a lab of its own",
  "sets names, and the lab has its own",
] as const;

/** What becomes of a block: tests take it by one of its names, its text is that of blocks that are run, or it is not run. */
type Fate =
  | { readonly kind: "run"; readonly names: readonly string[]; readonly soak: boolean }
  | { readonly kind: "same"; readonly blocks: readonly string[] }
  | { readonly kind: "not run"; readonly reason: string };

/** A fenced block of commands in a page, and the marker above it. */
export interface ShellBlock {
  /** Below the repository's root. */
  readonly page: string;
  /** Of the fence, from 1. */
  readonly line: number;
  /** The closest heading above, without its `#`. */
  readonly heading: string;
  /** Without the indentation that the fence has in a list. */
  readonly script: string;
  /** Undefined without a marker that says one of the three. */
  readonly fate: Fate | undefined;
}

/** A fence that a reader would take for commands, or for anything: it says no language, or another name for sh. */
export interface UnclearFence {
  readonly page: string;
  readonly line: number;
}

/** The site's own page, beside packages whose pages are not ours. */
const HOME = "site/home.md";
/** Folders whose pages are read, besides the repository's own. */
const FOLDERS = ["docs", "chart", "lab"];

/** The pages of the repository that people read: paths below its root. Generated lists of blocks would list themselves, and hold none. */
export function pages(): string[] {
  const inFolders = FOLDERS.flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" }).map((file) => join(folder, file)),
  );
  return [...readdirSync(ROOT), HOME, ...inFolders].filter((file) => file.endsWith(".md")).toSorted();
}

/** The blocks of commands of one page, in order. */
export function blocksOf(page: string): ShellBlock[] {
  return fencesOf(page).filter(({ language }) => language === "sh");
}

/** The fences of a page that hide from {@link blocksOf}. */
export function unclearFences(page: string): UnclearFence[] {
  return fencesOf(page).filter(({ language }) => /^(|bash|console|shell.*|zsh)$/.test(language));
}

/**
 * The blocks of a page that are marked `<!-- run: NAME -->`, in order.
 *
 * @param taken page and name, as `docs/start/installation.md#steps`; write it as a literal, for who takes what is read from the source
 * @throws where the page marks no block so
 */
export function shellBlocks(taken: string): readonly ShellBlock[] {
  const [page = "", name = ""] = taken.split("#");
  const found = blocksOf(page).filter(({ fate }) => fate?.kind === "run" && fate.names.includes(name));
  if (found.length === 0) throw new Error(`${page} marks no block with "<!-- run: ${name} -->"`);
  return found;
}

/** The script of the one block that is marked so; throws where there is none, or another one. */
export function shellBlock(taken: string): string {
  const [block, ...others] = shellBlocks(taken);
  if (block === undefined || others.length > 0) throw new Error(`${taken}: ${others.length + 1} blocks have this name`);
  return block.script;
}

interface Fence extends ShellBlock {
  readonly language: string;
}

function fencesOf(page: string): Fence[] {
  const fences: Fence[] = [];
  let heading = "";
  let above = "";
  let open: { line: number; indent: string; language: string; fate: Fate | undefined; lines: string[] } | undefined;
  for (const [index, text] of readFileSync(join(ROOT, page), "utf8").split("\n").entries()) {
    const [, indent = "", language] = /^(\s*)```(.*)$/.exec(text) ?? [];
    if (open !== undefined) {
      if (language === "") {
        const { lines, ...rest } = open;
        fences.push({ page, heading, ...rest, script: lines.join("\n") });
        open = undefined;
      } else {
        open.lines.push(text.startsWith(open.indent) ? text.slice(open.indent.length) : text);
      }
    } else if (language !== undefined) {
      open = { line: index + 1, indent, language: language.trim(), fate: fateOf(above), lines: [] };
    } else {
      heading = /^#+ (.*)$/.exec(text)?.[1] ?? heading;
      above = text;
    }
  }
  return fences;
}

/** What a marker says, `<!-- run: a, b -->`, `<!-- same: page.md#a -->` or `<!-- not run: reason -->`. */
function fateOf(line: string): Fate | undefined {
  const [, kind, said = ""] = /^\s*<!-- (run|run with LAB_SOAK=1|same|not run): (.*) -->$/.exec(line) ?? [];
  if (kind === undefined) return undefined;
  if (kind === "not run") return { kind, reason: said };
  const list = said.split(", ");
  return kind === "same" ? { kind, blocks: list } : { kind: "run", names: list, soak: kind !== "run" };
}
