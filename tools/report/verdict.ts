import { counted } from "../base/count.ts";
import type { ReportDocument, Status } from "./document.ts";

/** The parts of a report that a verdict is made of. */
type Judged = Pick<ReportDocument, "summary" | "identities" | "unread" | "policies">;

/** The worst of the checks, of the identities and of the policies. */
export function verdictOf({ summary, identities, unread, policies }: Judged): Status {
  const isBroken = [...identities, ...policies].some(({ status }) => status === "problem");
  if (summary.problem > 0 || isBroken) return "problem";
  const isUnknown = unread.length > 0 || policies.some(({ status }) => status === "unknown");
  if (summary.unknown > 0 || isUnknown) return "unknown";
  if (summary.warning > 0) return "warning";
  return summary.ok > 0 ? "ok" : "skipped";
}

/** What the verdict rests on, in words: the checks, then what else is not as it should be. */
export function reasonsOf({ summary, identities, unread, policies }: Judged): string[] {
  const { problem, unknown, warning, ok, skipped } = summary;
  const amount = (items: readonly { status: string }[], status: string) =>
    items.filter((item) => item.status === status).length;
  const [others, open, unseen] = [
    amount(identities, "problem"),
    amount(policies, "problem"),
    amount(policies, "unknown"),
  ];
  return [
    `Checks: ${counted(problem, "problem")}, ${unknown} could not be checked, ${counted(warning, "warning")}, ${ok} ok, ${skipped} with nothing to check.`,
    ...(others > 0 ? [`Identities that are not as they should be: ${others}.`] : []),
    ...(unread.length > 0 ? [`Pods whose certificate could not be read: ${unread.length}.`] : []),
    ...(open > 0 ? [`Applications that lack policies in the cluster: ${open}.`] : []),
    ...(unseen > 0 ? [`Applications whose policies could not be read: ${unseen}.`] : []),
  ];
}

/** The exit code of a verdict, as doctor has them. */
export function exitCodeOf(verdict: Status): ReportDocument["exitCode"] {
  if (verdict === "problem") return 1;
  return verdict === "unknown" ? 2 : 0;
}
