import { ExitError } from "../base/exit-error.ts";
import { jsonText } from "../doctor/reports/json-text.ts";
import type { Runner } from "../programs/run.ts";
import { isStdout, writeOutput } from "../terminal/write-file.ts";
import { changesSince } from "./changes.ts";
import type { ReportDocument } from "./document.ts";
import type { ReportFlags } from "./flags.ts";
import { gatherReport } from "./gather.ts";
import { reportPage } from "./page/report-page.ts";
import { readReport } from "./saved.ts";

/**
 * The action of `istio-teleport report`: a report of the live cluster or a saved one, written as a page or as JSON. Exit
 * codes as doctor's: 0 fine, 1 problems, 2 something could not be checked.
 *
 * @param toolVersion version of istio-teleport, which the report names
 */
export async function writeReport(runner: Runner, flags: ReportFlags, toolVersion: string): Promise<void> {
  refuseIdleFlags(flags);
  // First, so that a wrong file is refused before the cluster is asked.
  const before = flags.against === undefined ? undefined : await readReport("--against", flags.against);
  const now =
    flags.from === undefined ? await gatherReport(runner, flags, toolVersion) : await readReport("--from", flags.from);
  const report: ReportDocument = before === undefined ? now : { ...now, changes: changesSince(before, now) };
  await writeOutput(flags.output, flags.format === "json" ? jsonText(report) : await reportPage(report), flags);
  process.exitCode = report.exitCode;
}

function refuseIdleFlags(flags: ReportFlags): void {
  if (flags.force && isStdout(flags.output)) {
    throw new ExitError("--force lets --output replace a file: add --output or leave it out.");
  }
  if (flags.from === undefined) return;
  const idle = [
    ["-f", flags.values.length > 0],
    ["--set", flags.set.length > 0],
    ["--values-key", flags.valuesKey !== undefined],
    ["--namespace", flags.namespace.length > 0],
    ["--context", flags.context !== undefined],
    ["--kubeconfig", flags.kubeconfig !== undefined],
    ["--token-file", flags.tokenFile !== undefined],
    ["--teleport-version", flags.teleportVersion !== undefined],
  ] as const;
  const given = idle.find(([, isGiven]) => isGiven)?.[0];
  if (given !== undefined) throw new ExitError(`--from shows a saved report as it is: leave out ${given}, or --from.`);
  if (flags.from === "-" && flags.against === "-") {
    throw new ExitError("--from - and --against - both read stdin, which can be read only once; put one into a file.");
  }
}
