import { expect, it } from "vitest";
import { changesSince } from "../../../tools/report/changes.ts";
import { healthySnapshot } from "../doctor/healthy-snapshot.ts";
import { reportOf, TEST_APP_GRAPH } from "../support/report-document.ts";

const BEFORE = reportOf(healthySnapshot(), TEST_APP_GRAPH);

it("is nothing for the same cluster a while later, with other pods and certificates", () => {
  const later = structuredClone(BEFORE);
  later.takenAt = "2027-01-01T00:00:00.000Z";
  for (const { pods } of later.identities) {
    for (const pod of pods)
      Object.assign(pod, { pod: `${pod.pod}x`, serial: "1", expiresAt: "2027-01-01T01:00:00.000Z" });
  }
  expect(changesSince(BEFORE, later)).toEqual({
    since: BEFORE.takenAt,
    identities: [],
    permissions: [],
    findings: [],
    layers: [],
    versions: [],
  });
});

it("names what came, what went and what is different", () => {
  const now = structuredClone(BEFORE);
  now.identities = now.identities.filter(({ serviceAccount }) => serviceAccount !== "server");
  const [first] = now.identities;
  if (first === undefined || now.graph === null) throw new Error("no identity");
  first.issuer = "istiod";
  now.graph.edges = [];
  const [application] = now.graph.applications;
  if (application !== undefined) application.mode = "dryRun";
  const [check] = now.checks;
  check?.findings.push({ status: "warning", subject: "the cluster", evidence: "old", hint: "Upgrade." });
  const layer = now.layers[2];
  if (layer !== undefined) layer.status = "problem";
  const kubernetes = now.versions[0];
  if (kubernetes !== undefined) kubernetes.version = "v1.38.0";
  const id = "spiffe://lab.teleport.example/ns/test-app/sa";
  expect(changesSince(BEFORE, now)).toMatchObject({
    identities: [
      {
        kind: "changed",
        what: "test-app/allowed-client",
        detail: `${id}/allowed-client, issuer teleport → ${id}/allowed-client, issuer istiod`,
      },
      { kind: "removed", what: "test-app/server", detail: `${id}/server, issuer teleport` },
    ],
    permissions: [
      { kind: "changed", what: "mode of the namespace test-app", detail: "enforce → dryRun" },
      { kind: "removed", what: "tests/allowed-client → tests/server", detail: "80→8080 HTTP" },
    ],
    findings: [{ kind: "added", what: "kubernetes-version: the cluster", detail: "warning: old" }],
    layers: [{ kind: "changed", detail: "ok → problem" }],
    versions: [{ kind: "changed", what: "Kubernetes", detail: "v1.37.2 → v1.38.0" }],
  });
  expect(changesSince(now, BEFORE).permissions).toContainEqual(
    expect.objectContaining({ kind: "added", what: "tests/allowed-client → tests/server" }),
  );
});

it("says so when only one of the two knows the graph", () => {
  const without = reportOf(healthySnapshot());
  expect(changesSince(without, BEFORE).permissions).toEqual([
    { kind: "added", what: "the graph", detail: "Stated by a test." },
  ]);
  expect(changesSince(without, without).permissions).toEqual([]);
});
