import type pc from "picocolors";
import { printable } from "../../base/printable.ts";
import { type Finding, STEPS, type Step } from "../checks/check.ts";
import type { Result, Status } from "../diagnose.ts";
import { documentation } from "./documentation.ts";

type Colors = ReturnType<typeof pc.createColors>;

/** Findings of one check that are shown; the others are in --format json. */
const SHOWN = 5;

/** How a status is written. */
export const LABEL: Readonly<Record<Status, string>> = {
  ok: "ok",
  warning: "warning",
  problem: "PROBLEM",
  unknown: "unknown",
  skipped: "-",
};

/** The report for people: one line per check, below it what is wrong, why, and the fix. */
export function table(results: readonly Result[], colors: Colors): string {
  const lines: string[] = [];
  const width = Math.max(...results.map(({ check }) => check.id.length));
  for (const [step, title] of Object.entries(STEPS) as [Step, string][]) {
    const own = results.filter(({ check }) => check.step === step);
    if (own.length === 0) continue;
    lines.push("", colors.bold(title));
    for (const result of own) lines.push(...rows(result, width, colors));
  }
  lines.push("", summary(results));
  return `${lines.slice(1).join("\n")}\n`;
}

/** "2 problems, 1 warning, 25 ok": what there is, the worst first. */
export function summary(results: readonly Pick<Result, "status">[]): string {
  const amount = (status: Status) => results.filter((result) => result.status === status).length;
  const problems = amount("problem");
  const parts = [
    problems === 0 ? "no problem" : `${problems} ${problems === 1 ? "problem" : "problems"}`,
    ...(amount("unknown") > 0 ? [`${amount("unknown")} could not be checked`] : []),
    ...(amount("warning") > 0 ? [`${amount("warning")} ${amount("warning") === 1 ? "warning" : "warnings"}`] : []),
    `${amount("ok")} ok`,
    ...(amount("skipped") > 0 ? [`${amount("skipped")} skipped`] : []),
  ];
  return `${parts.join(", ")}.`;
}

function rows({ check, status, examined, findings }: Result, width: number, colors: Colors): string[] {
  const label = paintOf(status, colors)(LABEL[status].padEnd(8));
  const head = `  ${label} ${check.id.padEnd(width)}  ${check.title} ${colors.dim(`(${oneLine(examined)})`)}`;
  if (findings.length === 0) return [head];
  const indent = " ".repeat(11);
  const shown = findings.slice(0, SHOWN).flatMap((finding, index, all) => [
    `${indent}${described(finding, status)}`,
    // Once for all that have it in common.
    ...(all[index + 1]?.hint === finding.hint ? [] : [`${indent}→ ${oneLine(finding.hint)}`]),
  ]);
  const more = findings.length > SHOWN ? [`${indent}and ${findings.length - SHOWN} more: --format json has all`] : [];
  return [head, ...shown, ...more, `${indent}${colors.dim(documentation(check.id))}`];
}

/** The colour of a status. */
export function paintOf(status: Status, colors: Colors): (text: string) => string {
  return {
    ok: colors.green,
    warning: colors.yellow,
    problem: colors.red,
    unknown: colors.yellow,
    skipped: colors.dim,
  }[status];
}

function described({ status, subject, evidence }: Finding, of: Status): string {
  const kind = status === of ? "" : `${LABEL[status]}: `;
  return `${kind}${oneLine(subject)}: ${oneLine(evidence)}`;
}

/** What comes from the cluster on one line: words of other programs come with line breaks and colours. */
export function oneLine(text: string): string {
  return printable(text.replace(/\p{Cc}+/gu, " "));
}
