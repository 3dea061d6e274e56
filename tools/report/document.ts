// Generated from docs/reference/report.schema.json by npm run gen-schema; do not edit.

export type Amount = number;
/**
 * As of doctor's checks.
 */
export type Status = "ok" | "warning" | "problem" | "unknown" | "skipped";
export type Text = string;
export type Mode = "enforce" | "dryRun" | "denyAll" | "off";
export type Texts = string[];
/**
 * Names of AuthorizationPolicies of its namespace.
 */
export type Texts1 = string[];

/**
 * What `istio-teleport report` found.
 */
export interface ReportDocument {
  schemaVersion: 1;
  kind: "istio-teleport report";
  /**
   * When the cluster was read, by the API server's clock, RFC 3339 in UTC; null when it said none.
   */
  takenAt: string | null;
  /**
   * When the last proxy had answered.
   */
  readUntil: string | null;
  /**
   * Version of istio-teleport.
   */
  toolVersion: string;
  cluster: {
    /**
     * How kubectl reached it.
     */
    name: string;
    /**
     * The Teleport cluster's name; null when it is not known.
     */
    trustDomain: string | null;
    /**
     * Those that --namespace names; empty: all.
     */
    namespaces: string[];
  };
  /**
   * 0: no problem and nothing unknown; 1: a problem; 2: no problem, and something unknown.
   */
  exitCode: 0 | 1 | 2;
  /**
   * How many checks have each status.
   */
  summary: {
    ok: Amount;
    warning: Amount;
    problem: Amount;
    unknown: Amount;
    skipped: Amount;
  };
  /**
   * One entry a check, in the order of the hand-offs.
   */
  checks: Check[];
  layers: Layer[];
  exceptions: Exception[];
  /**
   * By namespace and service account.
   */
  identities: Identity[];
  /**
   * Meshed pods whose certificate is not known.
   */
  unread: Unread[];
  graph: Graph | null;
  /**
   * Where the graph comes from; without a graph, why there is none.
   */
  graphSource: string;
  /**
   * One entry an application of the graph.
   */
  policies: Policies[];
  versions: Version[];
  /**
   * With --against: what differs from the report of that time.
   */
  changes?: {
    /**
     * When the other report was taken.
     */
    since: string | null;
    identities: Change[];
    permissions: Change[];
    findings: Change[];
    layers: Change[];
    versions: Change[];
  };
}
/**
 * A check of doctor: docs/reference/doctor-report.schema.json.
 */
export interface Check {
  id: string;
  /**
   * The hand-off that it belongs to.
   */
  step: string;
  /**
   * The healthy state.
   */
  title: string;
  status: Status;
  /**
   * What was looked at; of skipped, why.
   */
  examined: string;
  findings: Finding[];
  /**
   * The check's section in the documentation.
   */
  documentation: string;
}
export interface Finding {
  status: "problem" | "warning" | "unknown";
  subject: Text;
  evidence: Text;
  hint: Text;
}
/**
 * One of the three fail-closed layers.
 */
export interface Layer {
  id: "a" | "b" | "c";
  title: Text;
  status: Status;
  /**
   * What its checks examined and found.
   */
  evidence: string[];
  /**
   * Ids of the checks that it is judged by.
   */
  checks: string[];
}
/**
 * Something that is open on purpose, or looked at by nobody.
 */
export interface Exception {
  subject: Text;
  statement: Text;
  evidence: Text;
}
/**
 * One SPIFFE ID of one issuer, and the pods that hold it.
 */
export interface Identity {
  /**
   * The URI SAN of the certificate; empty where it has none.
   */
  id: string;
  /**
   * Who signed it; unknown: neither of the two.
   */
  issuer: "teleport" | "istiod" | "unknown";
  /**
   * Of the pods.
   */
  namespace: string;
  /**
   * Of the pods.
   */
  serviceAccount: string;
  /**
   * The service of the graph that the pods are, as application/service; null where the graph has none of this account.
   */
  service: string | null;
  /**
   * problem: another issuer than Teleport, or another identity than that of the account.
   */
  status: "ok" | "problem";
  /**
   * What was seen, in words.
   */
  evidence: string;
  pods: Holder[];
}
/**
 * A pod and the certificate that its proxy holds.
 */
export interface Holder {
  pod: Text;
  node: Text;
  /**
   * Hexadecimal.
   */
  serial: string;
  /**
   * RFC 3339 in UTC.
   */
  issuedAt: string | null;
  /**
   * RFC 3339 in UTC.
   */
  expiresAt: string | null;
  /**
   * The first 16 hexadecimal digits of the SHA-256 fingerprint of the root that signed it; null when the proxy trusts none that did.
   */
  root: string | null;
}
/**
 * A meshed pod whose certificate is not known.
 */
export interface Unread {
  pod: Text;
  reason: Text;
}
/**
 * As of `istio-teleport graph --format json`.
 */
export interface Graph {
  clusterName: Text;
  gateways: Gateway[];
  applications: Application[];
  edges: Edge[];
}
export interface Gateway {
  name: Text;
  namespace: Text;
  serviceAccount: Text;
  principal: Text;
}
export interface Application {
  name: Text;
  namespace: Text;
  mode: Mode;
  services: Service[];
}
export interface Service {
  name: Text;
  labels: Labels;
  serviceAccount: Text;
  principal: Text;
  ports: Port[];
}
export interface Labels {
  [k: string]: string;
}
export interface Port {
  port: number;
  targetPort: number;
  protocol: "HTTP" | "HTTP2" | "GRPC" | "TCP";
}
export interface Edge {
  from: Source;
  to: Target;
  ports: Port[];
  methods?: Texts;
  paths?: Texts;
}
export interface Source {
  kind: "service" | "gateway" | "principal" | "anyone";
  label: Text;
  principal?: Text;
}
export interface Target {
  label: Text;
  application: Text;
  service: Text;
}
/**
 * Which of the policies that the graph compiles to are in the cluster.
 */
export interface Policies {
  application: Text;
  status: Status;
  evidence: Text;
  expected: Amount;
  missing: Texts1;
}
export interface Version {
  component: Text;
  where: Text;
  /**
   * null where it could not be read.
   */
  version: string | null;
  /**
   * Where it was read, or why it could not be.
   */
  evidence: string;
}
/**
 * Something that differs between two reports.
 */
export interface Change {
  kind: "added" | "removed" | "changed";
  what: Text;
  /**
   * Before and after, or what was there; empty where the name says it all.
   */
  detail: string;
}
