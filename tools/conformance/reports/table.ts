import type pc from "picocolors";
import { LABEL, oneLine, paintOf, summary } from "../../doctor/reports/table.ts";
import type { Shown } from "../play.ts";

/** The report for people: a line a scenario, below it its evidence, and what is wrong with the fix. */
export function table(all: readonly Shown[], colors: ReturnType<typeof pc.createColors>): string {
  const width = Math.max(...all.map(({ scenario }) => scenario.id.length));
  const indent = " ".repeat(11);
  const lines = all.flatMap(({ scenario, status, evidence, findings, seconds }) => [
    `  ${paintOf(status, colors)(LABEL[status].padEnd(8))} ${scenario.id.padEnd(width)}  ${scenario.title}`,
    `${indent}${colors.dim(`${oneLine(evidence)} (${seconds} s)`)}`,
    ...findings.flatMap((finding) => [
      `${indent}${oneLine(`${finding.subject}: ${finding.evidence}`)}`,
      `${indent}→ ${oneLine(finding.hint)}`,
    ]),
  ]);
  return `${[...lines, "", summary(all)].join("\n")}\n`;
}
