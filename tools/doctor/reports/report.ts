import pc from "picocolors";
import { ExitError } from "../../base/exit-error.ts";
import { isStdout, writeOutput } from "../../terminal/write-file.ts";
import type { Result } from "../diagnose.ts";
import type { DoctorFlags } from "../flags.ts";
import { jsonReport, type Seen } from "./json-report.ts";
import { junitReport } from "./junit-report.ts";
import { table } from "./table.ts";

type ReportFlags = Pick<DoctorFlags, "format" | "output" | "force">;

/**
 * Writes the report in the form of --format to where --output says.
 *
 * @throws ExitError refused when the file exists and --force is not given; unavailable when it cannot be written
 */
export async function writeReport(flags: ReportFlags, results: readonly Result[], seen: Seen): Promise<void> {
  await writeOutput(flags.output, inFormat(flags, results, seen), flags);
}

function inFormat({ format, output }: ReportFlags, results: readonly Result[], seen: Seen): string {
  if (format === "json") return jsonReport(results, seen);
  if (format === "junit") return junitReport(results);
  const isTerminal = isStdout(output) && process.stdout.isTTY === true;
  return table(results, pc.createColors(isTerminal && pc.isColorSupported));
}

/** @throws ExitError (refused) for --force without a file, before the cluster is looked at */
export function refuseIdleForce({ output, force }: ReportFlags): void {
  if (force && isStdout(output)) {
    throw new ExitError("--force lets --output replace a file; leave it out or add --output FILE.");
  }
}
