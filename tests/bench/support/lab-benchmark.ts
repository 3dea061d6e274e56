import { EXIT, ExitError } from "../../../tools/base/exit-error.ts";
import { requireInstalled } from "../../lab/testkit/installation/installation.ts";
import { printAndSave, type Result } from "./result.ts";

/**
 * Runs a benchmark in the lab, where `test --fresh 01-` has installed everything: prints its result, and saves it with
 * `--save`. What goes wrong is told in its own words; the lab may then hold what the benchmark made.
 */
export async function labBenchmark(measure: () => Promise<Result>): Promise<void> {
  try {
    await requireInstalled();
    await printAndSave(await measure());
  } catch (error) {
    process.stderr.write(`bench: ${(error as Error).message}\n`);
    process.exitCode = error instanceof ExitError ? error.code : EXIT.internal;
  }
}
