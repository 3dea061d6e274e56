import pc from "picocolors";
import type { Result } from "../diagnose.ts";
import type { DoctorFlags } from "../flags.ts";
import { jsonReport, type Seen } from "./json-report.ts";
import { junitReport } from "./junit-report.ts";
import { table } from "./table.ts";

/** The report on stdout in the form that --output names. */
export function report(output: DoctorFlags["output"], results: readonly Result[], seen: Seen): string {
  if (output === "json") return jsonReport(results, seen);
  if (output === "junit") return junitReport(results);
  return table(results, pc.createColors(process.stdout.isTTY === true && pc.isColorSupported));
}
