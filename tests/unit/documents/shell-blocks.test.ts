import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import {
  blocksOf,
  NOT_RUN,
  pages,
  type ShellBlock,
  shellBlock,
  shellBlocks,
  unclearFences,
} from "../../../scripts/shell-blocks/blocks.ts";
import { shellBlocksPage } from "../../../scripts/shell-blocks/list.ts";
import { takers } from "../../../scripts/shell-blocks/takers.ts";
import { repositoryPath } from "../../support/run-helm.ts";

/** Each block of commands in the documentation is run by who takes it from its page, or says why not. */

const BLOCKS = pages().flatMap(blocksOf);
const TAKERS = takers();
const TAKEN = new Set(TAKERS.flatMap(({ takes }) => takes));

const where = ({ page, line }: { page: string; line: number }) => `${page}:${line}`;
const read = (path: string) => readFileSync(repositoryPath(path), "utf8");

describe("a block of commands", () => {
  it("is fenced as sh, and what is not says another language", () => {
    expect(pages().flatMap(unclearFences).map(where)).toEqual([]);
    expect(BLOCKS.length).toBeGreaterThan(80);
  });

  it("has a marker above it, and each marker has a block below it", () => {
    expect(BLOCKS.filter(({ fate }) => fate === undefined).map(where)).toEqual([]);
    const markers = pages().flatMap((page) => read(page).match(/^\s*<!-- (run|same|not run)\b.*$/gm) ?? []);
    expect(markers).toHaveLength(BLOCKS.length);
  });

  it("that is not run gives one of the reasons that there are", () => {
    const reasons = BLOCKS.flatMap(({ fate }) => (fate?.kind === "not run" ? fate.reason : []));
    expect([...new Set(reasons)].toSorted()).toEqual([...NOT_RUN].toSorted());
  });

  it("that is marked as run is taken, and has no name that nobody uses", () => {
    const repeated = new Set(BLOCKS.flatMap(({ fate }) => (fate?.kind === "same" ? fate.blocks : [])));
    for (const block of BLOCKS) {
      if (block.fate?.kind !== "run") continue;
      const names = block.fate.names.map((name) => `${block.page}#${name}`);
      expect(
        names.filter((name) => TAKEN.has(name)),
        where(block),
      ).not.toEqual([]);
      expect(names.filter((name) => !TAKEN.has(name) && !repeated.has(name))).toEqual([]);
    }
  });

  it("that only the rehearsal of a release runs is counted as such", () => {
    const page = shellBlocksPage();
    const [, gate, rehearsed] = /Tests run (\d+) of them .* runs (\d+)\./.exec(page) ?? [];
    const runners = page.split("\n").flatMap((line) => / \| (`\S+`[^|]*) \|$/.exec(line)?.[1] ?? []);
    const ofGate = runners.filter((files) => /`(tests\/(unit|lab)|lab|\.ci)\//.test(files));
    expect(Number(rehearsed)).toBe(runners.length - ofGate.length);
    expect(Number(gate)).toBe(ofGate.length);
    expect(Number(rehearsed)).toBeGreaterThan(0);
  });

  it("that repeats others has their lines, and those are run", () => {
    for (const block of BLOCKS) {
      if (block.fate?.kind !== "same") continue;
      const others = block.fate.blocks.map((name) => commands(shellBlock(name)));
      expect(commands(block.script), where(block)).toBe(others.join("\n"));
    }
  });

  it("whose commands the gate runs has no other commands", () => {
    const gate = [read(".ci/run"), JSON.parse(read("package.json")).scripts["test:cost"]].join("\n");
    const lines = BLOCKS.filter(reasoned("the gate runs its commands one by one")).flatMap(({ script }) =>
      commands(script).split("\n"),
    );
    // `lab -- test` is what the gate runs as `lab -- up` and `lab -- test --halves`.
    const words = lines.map((line) => line.replace(/ --fresh$/, ""));
    expect(words.filter((line) => !gate.replaceAll(" --silent", "").includes(line))).toEqual([]);
    expect(words.length).toBeGreaterThan(5);
  });
});

describe("who takes a block", () => {
  it("takes one that a page marks so", () => {
    for (const taken of TAKEN) expect(() => shellBlocks(taken)).not.toThrow();
    expect(TAKEN.size).toBeGreaterThan(50);
  });

  it("names it in the source, where it can be read", () => {
    const own = "tests/unit/documents/shell-blocks.test.ts";
    expect(TAKERS.filter(({ file, hidden }) => file !== own && hidden.length > 0)).toEqual([]);
  });

  it("gets an error for a name that no block has, and for one of several where one is wanted", () => {
    const page = "docs/start/installation.md";
    expect(() => shellBlock(`${page}#nothing`)).toThrow(`${page} marks no block with "<!-- run: nothing -->"`);
    expect(() => shellBlock(`${page}#steps`)).toThrow(/8 blocks have this name/);
  });
});

/** A script without its comments. */
function commands(script: string): string {
  return script.replaceAll(/\s+#.*$/gm, "").trim();
}

function reasoned(reason: (typeof NOT_RUN)[number]) {
  return ({ fate }: ShellBlock) => fate?.kind === "not run" && fate.reason === reason;
}
