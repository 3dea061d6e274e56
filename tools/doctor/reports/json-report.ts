import { STEPS } from "../checks/check.ts";
import { exitCode, type Result, type Status } from "../diagnose.ts";
import { shortFingerprint } from "../facts/certificates.ts";
import type { Facts } from "../facts/make-facts.ts";
import { nameOf } from "../facts/meshed-pods.ts";
import { documentation } from "./documentation.ts";
import { jsonText } from "./json-text.ts";

/** Which root a proxy uses and trusts, by their short fingerprints. */
interface ProxyRoots {
  pod: string;
  issuer: string;
  /** RFC 3339. */
  expiresAt: string;
  usesRoot: string | null;
  trustsRoots: string[];
}

/** What the report says besides the checks; before an installation there are no proxies. */
export type Seen = Pick<Facts, "takenAt" | "kubernetesVersion"> & Partial<Pick<Facts, "certifiedPods" | "certificate">>;

/** The report for programs; docs/reference/doctor-report.schema.json describes it. */
export function jsonReport(results: readonly Result[], seen: Seen): string {
  const { takenAt, kubernetesVersion } = seen;
  const report = {
    schemaVersion: 1,
    takenAt: takenAt.ok ? new Date(takenAt.value).toISOString() : null,
    kubernetesVersion: kubernetesVersion.ok ? kubernetesVersion.value : null,
    exitCode: exitCode(results),
    summary: summaryJson(results),
    checks: checksJson(results),
    proxies: proxiesIn(seen),
  };
  return jsonText(report);
}

/** How many checks have each status. */
export function summaryJson(results: readonly Result[]): Record<Status, number> {
  return {
    ok: amount(results, "ok"),
    warning: amount(results, "warning"),
    problem: amount(results, "problem"),
    unknown: amount(results, "unknown"),
    skipped: amount(results, "skipped"),
  };
}

/** One entry a check, in the order of the hand-offs. */
export function checksJson(results: readonly Result[]) {
  return results.map(({ check, status, examined, findings }) => ({
    id: check.id,
    step: STEPS[check.step],
    title: check.title,
    status,
    examined,
    findings,
    documentation: documentation(check.id),
  }));
}

/** The roots of each proxy; those whose certificate could not be read are what proxy-certificate reports. */
function proxiesIn({ certifiedPods, certificate }: Seen): ProxyRoots[] {
  if (certifiedPods === undefined || certificate === undefined) return [];
  try {
    return certifiedPods().map(({ pod, issuer, root, secrets, expiresAt }) => ({
      pod: nameOf(pod),
      issuer,
      expiresAt: new Date(expiresAt).toISOString(),
      usesRoot: root === undefined ? null : shortFingerprint(root),
      trustsRoots: secrets.roots.map((pem) => shortFingerprint(certificate(pem))),
    }));
  } catch {
    // The checks of certificates have said why.
    return [];
  }
}

function amount(results: readonly Result[], status: Status): number {
  return results.filter((result) => result.status === status).length;
}
