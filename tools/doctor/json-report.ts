import { STEPS } from "./check.ts";
import { exitCode, type Result, type Status } from "./diagnose.ts";
import { documentation } from "./documentation.ts";
import type { Snapshot } from "./snapshot.ts";

/** The report for programs; docs/doctor-report.schema.json describes it. */
export function jsonReport(results: readonly Result[], snapshot: Snapshot): string {
  const { takenAt, kubernetesVersion } = snapshot;
  const report = {
    schemaVersion: 1,
    takenAt: takenAt.ok ? new Date(takenAt.value).toISOString() : null,
    kubernetesVersion: kubernetesVersion.ok ? kubernetesVersion.value : null,
    exitCode: exitCode(results),
    summary: Object.fromEntries(STATUSES.map((status) => [status, amount(results, status)])),
    checks: results.map(({ check, status, seen, findings }) => ({
      id: check.id,
      step: STEPS[check.step],
      title: check.title,
      status,
      seen,
      findings,
      documentation: documentation(check.id),
    })),
  };
  return `${JSON.stringify(report, null, 2)}\n`;
}

const STATUSES: readonly Status[] = ["ok", "warning", "problem", "unknown", "skipped"];

function amount(results: readonly Result[], status: Status): number {
  return results.filter((result) => result.status === status).length;
}
