import { checksJson, summaryJson } from "../doctor/reports/json-report.ts";
import type { Examination } from "../doctor/run.ts";
import { graphJson } from "../graph/views/document.ts";
import type { ReportDocument } from "./document.ts";
import { exceptionsOf } from "./exceptions.ts";
import { identitiesOf } from "./identities.ts";
import { layersOf } from "./layers.ts";
import { orUndefined } from "./or-undefined.ts";
import { policiesSeen } from "./policies.ts";
import type { StatedGraph } from "./stated-graph.ts";
import { exitCodeOf, verdictOf } from "./verdict.ts";
import { versionsOf } from "./versions.ts";

/** What the report says of itself. */
interface About {
  toolVersion: string;
  /** The cluster, as kubectl reached it. */
  cluster: string;
}

/** The report of one look at a cluster. Pure, and without secrets: of certificates it has names, dates and fingerprints. */
export function makeDocument({ results, facts }: Examination, stated: StatedGraph, about: About): ReportDocument {
  const checks = checksJson(results);
  const { takenAt, readUntil, scope = [] } = facts;
  const { graph } = stated;
  const judged = {
    summary: summaryJson(results),
    ...identitiesOf(facts, graph),
    policies: graph === undefined ? [] : policiesSeen(facts, graph),
  };
  return {
    schemaVersion: 1,
    kind: "istio-teleport report",
    takenAt: takenAt.ok ? new Date(takenAt.value).toISOString() : null,
    readUntil: readUntil === undefined ? null : new Date(readUntil).toISOString(),
    toolVersion: about.toolVersion,
    cluster: {
      name: about.cluster,
      trustDomain: orUndefined(facts.clusterName) ?? graph?.clusterName ?? null,
      namespaces: scope,
    },
    exitCode: exitCodeOf(verdictOf(judged)),
    ...judged,
    checks,
    layers: layersOf(checks),
    exceptions: exceptionsOf(facts, checks, graph),
    graph: graph === undefined ? null : graphJson(graph),
    graphSource: stated.source,
    versions: versionsOf(facts, about.toolVersion),
  };
}
