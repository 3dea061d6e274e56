import pc from "picocolors";
import type { TestFlags } from "../flags.ts";
import type { Shown } from "../play.ts";
import { jsonReport, type Occasion } from "./json-report.ts";
import { junitReport } from "./junit-report.ts";
import { table } from "./table.ts";

/** The report on stdout in the form that --format names. */
export function report(output: TestFlags["output"], all: readonly Shown[], occasion: Occasion): string {
  if (output === "json") return jsonReport(all, occasion);
  if (output === "junit") return junitReport(all);
  return table(all, pc.createColors(process.stdout.isTTY === true && pc.isColorSupported));
}
