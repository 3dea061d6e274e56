import { apply, type Curable, MESHED } from "./doctor-case.ts";

const probe = (name: string, spec: object) =>
  apply({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name, namespace: MESHED },
    spec,
  });
const authorizationPolicy = (name: string, spec: object) => ({
  break: probe(name, spec),
  heal: `kubectl -n ${MESHED} delete authorizationpolicy ${name}`,
});

const destinationRule = (name: string, tls: object) =>
  apply({
    apiVersion: "networking.istio.io/v1",
    kind: "DestinationRule",
    metadata: { name, namespace: MESHED },
    spec: { host: "server.test-app.svc.cluster.local", trafficPolicy: { tls } },
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
    how: "plaintext for a host of the mesh; then TLS without a certificate, and a server of another trust domain",
    break: [
      destinationRule("probe", { mode: "DISABLE" }),
      destinationRule("simple", { mode: "SIMPLE" }),
      destinationRule("foreign", { mode: "ISTIO_MUTUAL", subjectAltNames: ["spiffe://old.example/ns/a/sa/b"] }),
    ].join("\n"),
    heal: `kubectl -n ${MESHED} delete destinationrule probe simple foreign`,
    evidence: "tls.mode DISABLE for server.test-app.svc.cluster.local",
    beside: [/simple: tls\.mode SIMPLE for/, /foreign: tls\.subjectAltNames for .* names spiffe:\/\/old\.example/],
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
    how: "a principal of any trust domain, then any principal",
    break: ["*/ns/a/sa/b", "*"]
      .map((principal, index) =>
        probe(`wildcards-${index}`, { rules: [{ from: [{ source: { principals: [principal] } }] }] }),
      )
      .join("\n"),
    heal: `kubectl -n ${MESHED} delete authorizationpolicy wildcards-0 wildcards-1`,
    evidence: "*/ns/a/sa/b matches these accounts of every trust domain",
    beside: [/the principal \* matches everybody with a certificate/],
  },
  {
    id: "policy-paths",
    how: "a path while path normalization is NONE",
    ...authorizationPolicy("paths", { rules: [{ to: [{ operation: { paths: ["/admin"] } }] }] }),
    evidence: "it matches on /admin",
  },
];
