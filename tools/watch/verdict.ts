import { printable } from "../base/printable.ts";
import { exitCode, type Result, type Status } from "../doctor/diagnose.ts";
import { summary } from "../doctor/reports/table.ts";

/** What one look comes to, as a Kubernetes Event says it. */
export interface Verdict {
  type: "Normal" | "Warning";
  /** `MeshHealthy`: no problem; `MeshProblem`: a check failed; `ChecksIncomplete`: something could not be checked. */
  reason: "MeshHealthy" | "MeshProblem" | "ChecksIncomplete";
  /** At most 1024 bytes, as Kubernetes takes. */
  message: string;
}

/** Bytes of an Event's message (k8s.io/kubernetes pkg/apis/core/validation/events.go). */
const MOST = 1024;

/** The verdict on the results: which checks failed, by their IDs, then why, the worst first. */
export function verdict(results: readonly Result[]): Verdict {
  const code = exitCode(results);
  const reason = (["MeshHealthy", "MeshProblem", "ChecksIncomplete"] as const)[code];
  const message = [
    summary(results),
    ...named("Failed", results, "problem"),
    ...named("Not checked", results, "unknown"),
  ];
  for (const status of ["problem", "unknown", "warning"] as const) {
    for (const { check, findings } of results.filter((result) => result.status === status)) {
      const own = findings.find((finding) => finding.status === status);
      if (own !== undefined) message.push(`${check.id}: ${own.subject}: ${own.evidence}.`);
    }
  }
  return { type: code === 0 ? "Normal" : "Warning", reason, message: cut(printable(message.join(" "))) };
}

function named(words: string, results: readonly Result[], status: Status): string[] {
  const ids = results.filter((result) => result.status === status).map(({ check }) => check.id);
  return ids.length === 0 ? [] : [`${words}: ${ids.join(", ")}.`];
}

/** The text, or as much of it as fits, without half a character. */
function cut(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= MOST) return text;
  const ellipsis = "…";
  let end = MOST - Buffer.byteLength(ellipsis);
  // A byte 10xxxxxx continues a character.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString()}${ellipsis}`;
}
