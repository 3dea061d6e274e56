import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { expect, it } from "vitest";
import { repositoryPath } from "../../support/run-helm.ts";
import { healthySnapshot } from "../doctor/healthy-snapshot.ts";
import { SMALL_GRAPH } from "../support/graph-values.ts";
import { reportOf, TEST_APP_GRAPH } from "../support/report-document.ts";

const SCHEMA = JSON.parse(readFileSync(repositoryPath("docs/reference/report.schema.json"), "utf8")) as object;
const matchesSchema = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true }).compile(SCHEMA);

it("is what the published schema describes, with a graph and without, whatever could be read", () => {
  const blind = healthySnapshot();
  const refused = { ok: false, reason: "permission missing: pods is forbidden" } as const;
  Object.assign(blind, { pods: refused, nodes: refused, istiods: refused, authorizationPolicies: refused });
  for (const report of [
    reportOf(healthySnapshot()),
    reportOf(healthySnapshot(), TEST_APP_GRAPH),
    reportOf(blind, SMALL_GRAPH),
  ]) {
    matchesSchema(JSON.parse(JSON.stringify(report)));
    expect(matchesSchema.errors ?? []).toEqual([]);
  }
});

it("names each workload's identity, who issued it and until when it lasts", () => {
  const { identities, unread, exitCode } = reportOf(healthySnapshot(), TEST_APP_GRAPH);
  expect(identities.map(({ id, issuer, status, service }) => ({ id, issuer, status, service }))).toEqual(
    ["allowed-client", "other-client", "server"].map((account) => ({
      id: `spiffe://lab.teleport.example/ns/test-app/sa/${account}`,
      issuer: "teleport",
      status: "ok",
      service: account === "other-client" ? null : `tests/${account}`,
    })),
  );
  expect(identities[0]?.pods).toEqual([
    {
      pod: "test-app/allowed-client-64d8489966-5sc45",
      node: "lab-node",
      serial: expect.stringMatching(/^[0-9a-f]{16,}$/),
      issuedAt: "2026-11-24T17:15:55.000Z",
      expiresAt: "2026-11-24T18:15:55.000Z",
      root: "c9ba52224f5cc2de",
    },
  ]);
  expect({ unread, exitCode }).toEqual({ unread: [], exitCode: 1 });
});

it("says of an identity of another account, and of a proxy that did not answer, what is known", () => {
  const snapshot = healthySnapshot();
  if (!snapshot.pods.ok) throw new Error("no pods");
  const client = snapshot.pods.value.find(({ metadata }) => metadata.name.startsWith("other-client"));
  if (client === undefined) throw new Error("no client");
  client.spec.serviceAccountName = "batch";
  const server = snapshot.proxies.find(({ pod }) => pod.startsWith("server"));
  if (server === undefined) throw new Error("no server");
  server.secrets = { ok: false, reason: "its kubelet is silent" };
  const { identities, unread, exitCode } = reportOf(snapshot);
  expect(identities.find(({ serviceAccount }) => serviceAccount === "batch")).toMatchObject({
    status: "problem",
    evidence: expect.stringContaining("its account is to have spiffe://lab.teleport.example/ns/test-app/sa/batch"),
  });
  expect(unread).toEqual([{ pod: `test-app/${server.pod}`, reason: "its kubelet is silent" }]);
  expect(exitCode).toBe(1);
});

it("finds the policies of the graph in the cluster, or says which are missing", () => {
  expect(reportOf(healthySnapshot(), TEST_APP_GRAPH).policies).toEqual([
    {
      application: "tests",
      status: "problem",
      evidence: "1 of 2 AuthorizationPolicies of mode enforce are in the namespace test-app; missing: allow-server",
      expected: 2,
      missing: ["allow-server"],
    },
  ]);
  const snapshot = healthySnapshot();
  if (!snapshot.authorizationPolicies.ok) throw new Error("no policies");
  const [deny] = snapshot.authorizationPolicies.value;
  if (deny === undefined) throw new Error("no policy");
  snapshot.authorizationPolicies.value.push({ metadata: { ...deny.metadata, name: "allow-server" } });
  expect(reportOf(snapshot, TEST_APP_GRAPH)).toMatchObject({ policies: [{ status: "ok" }], exitCode: 0 });
  deny.metadata.annotations = { "istio.io/dry-run": "true" };
  expect(reportOf(snapshot, TEST_APP_GRAPH).policies[0]?.missing).toEqual(["deny-all"]);
});

it("judges each fail-closed layer by its checks", () => {
  const states = (report: ReturnType<typeof reportOf>) => report.layers.map(({ id, status }) => `${id} ${status}`);
  expect(states(reportOf(healthySnapshot()))).toEqual(["a ok", "b ok", "c ok"]);
  const open = healthySnapshot();
  open.admissionBinding = { ok: true, value: undefined };
  expect(states(reportOf(open))).toEqual(["a ok", "b ok", "c problem"]);
});

it("lists what is open on purpose", () => {
  const { exceptions } = reportOf(healthySnapshot(), SMALL_GRAPH);
  expect(exceptions.map(({ subject, statement }) => `${subject}: ${statement}`)).toEqual([
    "namespace back-office: Callers are not held to the graph: every workload of the mesh may call; what is not listed is logged.",
    "office/report: Every identity like b.example/ns/ops/sa/* may call it.",
    "shop/web: Anyone may call it, also without an identity and in plaintext.",
  ]);
  const part = healthySnapshot();
  part.scope = ["test-app"];
  expect(reportOf(part).exceptions).toEqual([expect.objectContaining({ subject: "this report" })]);
});

it("names what runs, and where that was read", () => {
  const versions = reportOf(healthySnapshot()).versions.map(({ component, version }) => `${component} ${version}`);
  expect(versions).toEqual([
    "Kubernetes v1.37.2",
    "kubelet v1.37.2",
    "istiod lab",
    "Istio proxy lab",
    "Teleport 18.11.1",
    "tbot 18.11.1",
    "Chart 0.1.0",
    "istio-teleport 1.2.3",
  ]);
});

it("holds no key, token or certificate", () => {
  const text = JSON.stringify(reportOf(healthySnapshot(), TEST_APP_GRAPH));
  expect(text).not.toMatch(/BEGIN|PRIVATE|eyJ/);
  expect(text.length).toBeGreaterThan(5000);
});
