import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { LabPaths } from "../machine/paths.ts";
import { command } from "../machine/shell.ts";
import { runTests } from "./test-run.ts";

/**
 * The lab tests in two halves that take about as long, each for a lab of its own: most of a test's time is waiting, and one
 * lab leaves the second core idle. The starts of the files' names; 01 installs what the others test. 00 needs an empty cluster.
 */
const HALVES = [
  ["00-", "01-", "02-", "03-", "04-", "05-", "06-", "07-", "08-", "09-", "20-", "21-", "22-", "23-", "25-"],
  ["01-", "10-", "11-", "13-", "14-", "15-", "16-", "17-", "18-", "19-", "24-", "26-"],
] as const;

/** What of a vitest JSON report a reader of two of them needs. */
interface Report {
  readonly testResults: readonly unknown[];
}

/** Gives the second lab the first one's builds, as hard links: they take no room. Wants both labs down or the second one new. */
export async function shareBuilds(first: LabPaths, second: LabPaths): Promise<void> {
  rmSync(second.components, { recursive: true, force: true });
  rmSync(second.images, { recursive: true, force: true });
  mkdirSync(second.root, { recursive: true });
  await command(["cp", "--archive", "--link", first.components, first.images, second.root]);
}

/**
 * Runs each half of the lab tests in its lab, both at once. Returns vitest's exit code of the first half that failed, else 0.
 *
 * @param vitestArguments options of `vitest run`; where they name a file for a report, it gets the results of both halves
 */
export async function runHalves(labs: readonly LabPaths[], vitestArguments: readonly string[]): Promise<number> {
  const option = "--outputFile.json=";
  const report = vitestArguments.find((argument) => argument.startsWith(option))?.slice(option.length);
  const others = vitestArguments.filter((argument) => !argument.startsWith(option));
  const ofHalf = (half: number) => `${report}.${half}`;
  const codes = await Promise.all(
    labs.map((lab, half) => {
      const reportOption = report === undefined ? [] : [option + ofHalf(half)];
      return runTests(lab, [...others, ...reportOption, ...(HALVES[half] ?? [])]);
    }),
  );
  if (report !== undefined) writeFileSync(report, JSON.stringify(joined(labs.map((_, half) => ofHalf(half)))));
  return codes.find((code) => code !== 0) ?? 0;
}

/** The results of several reports; a report that is missing counts as a file that failed, so that it cannot pass unseen. */
export function joined(files: readonly string[]): Report {
  const results = files.map((file) => {
    if (!existsSync(file)) return [{ name: file, status: "failed", message: "no report", assertionResults: [] }];
    const { testResults } = JSON.parse(readFileSync(file, "utf8")) as Report;
    rmSync(file);
    return testResults;
  });
  return { testResults: results.flat() };
}

/** Files of tests/lab that belong to no half, or to both although they aren't the installation. */
export function misplaced(folder: string): string[] {
  const halvesOf = (file: string) => HALVES.filter((half) => half.some((start) => file.startsWith(start))).length;
  return readdirSync(folder)
    .filter((file) => file.endsWith(".test.ts"))
    .filter((file) => halvesOf(file) !== (file.startsWith("01-") ? 2 : 1));
}
