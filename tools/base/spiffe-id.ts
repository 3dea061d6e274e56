/** The path of a workload's SPIFFE ID: Istio derives a peer's identity from exactly this form. */
export function spiffePath(namespace: string, serviceAccount: string): string {
  return `/ns/${namespace}/sa/${serviceAccount}`;
}

/** A workload's SPIFFE ID without `spiffe://`, as AuthorizationPolicies name it. */
export function principalOf(trustDomain: string, namespace: string, serviceAccount: string): string {
  return `${trustDomain}${spiffePath(namespace, serviceAccount)}`;
}

/** The SPIFFE ID that a principal stands for. */
export function spiffeId(principal: string): string {
  return `spiffe://${principal}`;
}
