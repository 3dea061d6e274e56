import { apply, type Curable, MESHED } from "./doctor-case.ts";

const authorizationPolicy = (name: string, spec: object) => ({
  break: apply({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name, namespace: MESHED },
    spec,
  }),
  heal: `kubectl -n ${MESHED} delete authorizationpolicy ${name}`,
});

/** What peers and policies check. */
export const POLICY_CASES: readonly Curable[] = [
  {
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
  },
  {
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
  },
  {
    id: "policy-trust-domain",
    how: "a principal of another trust domain",
    ...authorizationPolicy("trust-domain", {
      rules: [{ from: [{ source: { principals: ["old.example/ns/a/sa/b"] } }] }],
    }),
    evidence: "old.example/ns/a/sa/b is of another trust domain",
  },
  {
    id: "policy-service-accounts",
    how: "`serviceAccounts` alone",
    ...authorizationPolicy("service-accounts", {
      rules: [{ from: [{ source: { serviceAccounts: ["doctor/default"] } }] }],
    }),
    evidence: "in every trust domain",
  },
  {
    id: "policy-wildcards",
    how: "a principal of any trust domain",
    ...authorizationPolicy("wildcards", { rules: [{ from: [{ source: { principals: ["*/ns/a/sa/b"] } }] }] }),
    evidence: "*/ns/a/sa/b matches these accounts of every trust domain",
  },
  {
    id: "policy-paths",
    how: "a path while path normalization is NONE",
    ...authorizationPolicy("paths", { rules: [{ to: [{ operation: { paths: ["/admin"] } }] }] }),
    evidence: "it matches on /admin",
  },
];
