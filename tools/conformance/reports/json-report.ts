import { exitCode, type Status } from "../../doctor/diagnose.ts";
import { jsonText } from "../../doctor/reports/json-text.ts";
import type { Shown } from "../play.ts";
import type { Stage } from "../stage/stage.ts";

/** Where and when it was shown, and by what. */
export interface Occasion {
  /** Version of istio-teleport. */
  version: string;
  startedAt: Date;
  /** The cluster, for people. */
  cluster: string;
  stage: Pick<Stage, "namespace" | "mesh" | "images" | "nodes">;
}

const STATUSES: readonly Status[] = ["ok", "warning", "problem", "unknown", "skipped"];

/** The report for programs, and for an auditor to keep; docs/reference/test-report.schema.json describes it. */
export function jsonReport(all: readonly Shown[], { version, startedAt, cluster, stage }: Occasion): string {
  const { namespace, mesh, images, nodes } = stage;
  return jsonText({
    schemaVersion: 1,
    version,
    startedAt: startedAt.toISOString(),
    endedAt: new Date().toISOString(),
    cluster,
    namespace,
    trustDomain: mesh.trustDomain,
    revision: mesh.revision,
    admission: mesh.admission,
    images,
    nodes: { tested: nodes.names, total: nodes.total },
    exitCode: exitCode(all),
    summary: Object.fromEntries(
      STATUSES.map((status) => [status, all.filter((each) => each.status === status).length]),
    ),
    scenarios: all.map(({ scenario, ...rest }) => ({ id: scenario.id, title: scenario.title, ...rest })),
  });
}
