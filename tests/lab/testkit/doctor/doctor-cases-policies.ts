import { alone, apply, MESHED, type Situation } from "./doctor-case.ts";

const authorizationPolicy = (spec: object) =>
  apply({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name: "probe", namespace: MESHED },
    spec,
  });
const DELETE_POLICY = `kubectl -n ${MESHED} delete authorizationpolicy probe`;

/** What peers and policies check. */
export const POLICY_SITUATIONS: readonly Situation[] = [
  alone({
    id: "strict-mtls",
    how: "PERMISSIVE in a namespace",
    break: apply({
      apiVersion: "security.istio.io/v1",
      kind: "PeerAuthentication",
      metadata: { name: "open", namespace: "test-app" },
      spec: { mtls: { mode: "PERMISSIVE" } },
    }),
    heal: "kubectl -n test-app delete peerauthentication open",
    evidence: "PeerAuthentication test-app/open has mode PERMISSIVE",
  }),
  alone({
    id: "destination-rules",
    how: "plaintext for a host of the mesh",
    break: apply({
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: { name: "probe", namespace: MESHED },
      spec: { host: "server.test-app.svc.cluster.local", trafficPolicy: { tls: { mode: "DISABLE" } } },
    }),
    heal: `kubectl -n ${MESHED} delete destinationrule probe`,
    evidence: "tls.mode DISABLE for server.test-app.svc.cluster.local",
  }),
  alone({
    id: "policy-trust-domain",
    how: "a principal of another trust domain",
    break: authorizationPolicy({ rules: [{ from: [{ source: { principals: ["old.example/ns/a/sa/b"] } }] }] }),
    heal: DELETE_POLICY,
    evidence: "old.example/ns/a/sa/b is of another trust domain",
  }),
  alone({
    id: "policy-service-accounts",
    how: "`serviceAccounts` alone",
    break: authorizationPolicy({ rules: [{ from: [{ source: { serviceAccounts: ["doctor/default"] } }] }] }),
    heal: DELETE_POLICY,
    evidence: "in every trust domain",
  }),
  alone({
    id: "policy-wildcards",
    how: "a principal of any trust domain",
    break: authorizationPolicy({ rules: [{ from: [{ source: { principals: ["*/ns/a/sa/b"] } }] }] }),
    heal: DELETE_POLICY,
    evidence: "*/ns/a/sa/b matches these accounts of every trust domain",
  }),
  alone({
    id: "policy-paths",
    how: "a path while path normalization is NONE",
    break: authorizationPolicy({ rules: [{ to: [{ operation: { paths: ["/admin"] } }] }] }),
    heal: DELETE_POLICY,
    evidence: "it matches on /admin",
  }),
];
