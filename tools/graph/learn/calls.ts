/** Who was called: the pods of one ServiceAccount. */
export interface Workload {
  namespace: string;
  serviceAccount: string;
  /** Trust domain of its certificate; absent where the source does not name it (plaintext). */
  trustDomain?: string;
}

/** What became of a call: let through, let through though the policies in dry run deny it, or denied by a policy. */
export type Outcome = "passed" | "wouldBeDenied" | "denied";

/** One call as the called side saw it: an HTTP request or a TCP connection. */
export interface Call {
  to: Workload;
  /** The caller's SPIFFE ID without `spiffe://`; absent: plaintext, thus nobody known. */
  from?: string;
  /** Port of the container; absent where the source has none (Istio's metrics). */
  port?: number;
  protocol: "HTTP" | "TCP";
  method?: string;
  /** Without a query. */
  path?: string;
  outcome: Outcome;
}

/** Calls that are alike but for their outcome. */
export interface SeenCall extends Omit<Call, "outcome"> {
  outcomes: Set<Outcome>;
}

/** Collects calls, each kind of them once, so that memory grows with what differs and not with the traffic. */
export interface SeenCalls {
  add(call: Call): void;
  /** In the order in which each kind was first seen. */
  all(): SeenCall[];
}

/** @param details whether calls with different methods or paths are different ones; without, both are dropped */
export function seenCalls({ details }: { details: boolean }): SeenCalls {
  const seen = new Map<string, SeenCall>();
  return {
    add({ outcome, ...call }) {
      const { method, path, ...rest } = call;
      const kept = details ? call : rest;
      const { to, from, port, protocol } = kept;
      const alike = [to.namespace, to.serviceAccount, to.trustDomain, from, port, protocol];
      const key = JSON.stringify(details ? [...alike, method, path] : alike);
      const same = seen.get(key);
      if (same === undefined) seen.set(key, { ...kept, outcomes: new Set([outcome]) });
      else same.outcomes.add(outcome);
    },
    all: () => [...seen.values()],
  };
}

/** What `readSpiffeId` makes of an ID. */
export interface SpiffeId {
  /** Without `spiffe://`, as AuthorizationPolicies name it. */
  principal: string;
  /** What Istio's form of path says, `/ns/<namespace>/sa/<service account>`; absent for another form. */
  workload?: Required<Workload>;
}

/** Reads one SPIFFE ID, or returns undefined when the text is none (the SPIFFE standard's character set). */
export function readSpiffeId(uri: string): SpiffeId | undefined {
  const principal = /^spiffe:\/\/([a-z0-9._-]+(?:\/[A-Za-z0-9._-]+)+)$/.exec(uri)?.[1];
  return principal === undefined ? undefined : { principal, ...workloadOf(principal) };
}

/** The workload that a principal names, or nothing when it has another form than Istio's. */
function workloadOf(principal: string): Pick<SpiffeId, "workload"> {
  const [, trustDomain, namespace = "", serviceAccount = ""] =
    /^([^/]+)\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(principal) ?? [];
  const workload = readWorkload(namespace, serviceAccount);
  return trustDomain && workload ? { workload: { trustDomain, ...workload } } : {};
}

/** A namespace and a ServiceAccount as Kubernetes names them; undefined for anything else, which is no workload of it. */
export function readWorkload(namespace: string, serviceAccount: string): Workload | undefined {
  const isNamespace = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(namespace) && namespace.length <= 63;
  const isServiceAccount = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(serviceAccount) && serviceAccount.length <= 253;
  return isNamespace && isServiceAccount ? { namespace, serviceAccount } : undefined;
}
