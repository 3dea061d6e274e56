/** What the demo needs of a Kubernetes cluster: its public keys, and tokens that its API server signs for a pod. */
export interface DemoCluster {
  /** How the summary calls it. */
  description: string;
  /** The JWKS as the API server publishes it. */
  jwks: string;
  /** The pod that tokens are for, as the summary calls it. */
  pod: string;
  /** Whether that pod runs as tbot's ServiceAccount; another one proves the keys only. */
  isTbot: boolean;
  /** A ServiceAccount token that is bound to the pod. */
  podToken(request: TokenRequest): Promise<string>;
}

/** The parts of a TokenRequest that Teleport looks at. */
export interface TokenRequest {
  audience: string;
  /** exp - iat, in seconds. */
  lifeSeconds: number;
}
