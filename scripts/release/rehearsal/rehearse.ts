import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { ExitError } from "../../../tools/base/exit-error.ts";
import { withTempDir } from "../../../tools/programs/temp-dir.ts";
import { say } from "../../../tools/terminal/say.ts";
import { dependencyArchives } from "./npm-dependencies.ts";
import { type Attempt, REFUSALS, TAKEN } from "./refusals.ts";
import { publishHere, type Stage } from "./stage.ts";
import { USES } from "./use.ts";
import { wordsOf } from "./words.ts";

/** The page that lists what was tried, and the words of what refused it. */
const PAGE = "docs/proof/release.md";

/** A check of the rehearsal; throws whatever says that it is not so. */
interface Check {
  readonly title: string;
  readonly prove: (stage: Stage) => Promise<void>;
}

/**
 * Makes a release, publishes it to servers on this machine, uses it as its users would, and tampers with it. What is
 * refused, and in which words, must be in docs/proof/release.md.
 *
 * @throws ExitError (refused) when a check failed
 */
export async function rehearse(root: string): Promise<void> {
  const dependencies = await dependencyArchives(root);
  const page = await readFile(join(root, PAGE), "utf8");
  const checks: Check[] = [
    ...USES,
    ...REFUSALS.map((attempt) => asCheck("refused", attempt, page)),
    ...TAKEN.map((attempt) => asCheck("taken", attempt, page)),
    noOtherRow(page),
  ];
  const failures = await withTempDir(async (temp) => {
    const stage = await publishHere(root, temp, { dependencies, previousChart: join(root, "chart") });
    try {
      return await failuresOf(stage, checks);
    } finally {
      await stage.stop();
    }
  });
  if (failures > 0) throw new ExitError(`${failures} of ${checks.length} checks of the rehearsal failed.`);
}

/** An attempt that must end as it should, with a row of the page. */
function asCheck(end: "refused" | "taken", { what, by, make }: Attempt, page: string): Check {
  return {
    title: `${end}: ${what}`,
    prove: async (stage) => {
      const ended = await make(stage);
      if (end === "refused" && ended.code === 0) throw new Error("it was taken");
      if (end === "taken" && ended.code !== 0) throw new Error(`it was refused: ${wordsOf(ended, stage)}`);
      const row = end === "refused" ? `| ${what} | ${by} | ${wordsOf(ended, stage)} |` : `| ${what} | ${by} |`;
      if (!page.split("\n").some((line) => line.startsWith(row))) throw new Error(`${PAGE} has no row ${row}`);
    },
  };
}

/** The page may claim nothing that was not tried. */
function noOtherRow(page: string): Check {
  return {
    title: `${PAGE} has these rows only`,
    prove: async () => {
      const rows = page.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| what was "));
      const tried = REFUSALS.length + TAKEN.length;
      if (rows.length !== tried) throw new Error(`it has ${rows.length}, and ${tried} were tried`);
    },
  };
}

/** Runs the checks, says how each went, and counts those that failed. */
async function failuresOf(stage: Stage, checks: readonly Check[]): Promise<number> {
  let failures = 0;
  for (const { title, prove } of checks) {
    try {
      await prove(stage);
      say(`ok      ${title}`);
    } catch (error) {
      failures++;
      say(`FAILED  ${title}: ${(error as Error).message}`);
    }
  }
  return failures;
}
