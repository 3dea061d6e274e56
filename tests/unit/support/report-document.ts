import { CHECKS } from "../../../tools/doctor/checks/all.ts";
import { diagnose } from "../../../tools/doctor/diagnose.ts";
import { makeFacts } from "../../../tools/doctor/facts/make-facts.ts";
import type { Snapshot } from "../../../tools/doctor/snapshot.ts";
import { type GraphValues, meshGraph } from "../../../tools/graph/mesh-graph.ts";
import type { ReportDocument } from "../../../tools/report/document.ts";
import { makeDocument } from "../../../tools/report/make-document.ts";

/** The graph of the recorded lab's test app: the two policies that its snapshot has. */
export const TEST_APP_GRAPH: GraphValues = {
  global: { teleport: { clusterName: "lab.teleport.example" } },
  mesh: {
    gateways: {},
    applications: {
      tests: {
        namespace: "test-app",
        services: {
          server: {
            labels: { "app.kubernetes.io/name": "server" },
            serviceAccount: "server",
            ports: [{ port: 80, targetPort: 8080, protocol: "HTTP" }],
            callers: [{ service: "allowed-client" }],
          },
          "allowed-client": {
            labels: { "app.kubernetes.io/name": "allowed-client" },
            serviceAccount: "allowed-client",
          },
        },
      },
    },
  },
};

/** The report of a snapshot, with all checks; without values it has no graph. */
export function reportOf(snapshot: Snapshot, values?: GraphValues): ReportDocument {
  const facts = makeFacts(snapshot);
  const stated =
    values === undefined
      ? { source: "The graph is not known." }
      : { graph: meshGraph(values), source: "Stated by a test." };
  const about = { toolVersion: "1.2.3", cluster: 'context "test"' };
  return makeDocument({ results: diagnose(CHECKS, facts), facts }, stated, about);
}
