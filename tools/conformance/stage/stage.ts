import type { KubeApi } from "../../programs/kube-api/kube-api.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import type { Mesh } from "./mesh.ts";

/** What scenarios act on: a namespace of their own with three services, and clients on nodes. */
export interface Stage {
  access: ClusterAccess;
  /** For reading. */
  api: KubeApi;
  mesh: Mesh;
  namespace: string;
  /** Images of the clients, which have `sleep` and `curl`, and of the servers. */
  images: { client: string; server: string };
  /** Nodes that get a client of their own. */
  nodes: NodeChoice;
  /** Name of the Secret in the namespace by which images are pulled, where one was given. */
  imagePullSecret?: string;
  /** Seconds that pods may take to be ready. */
  timeout: number;
  /** Whether to wait for a certificate's replacement. */
  renewal: boolean;
  /** Milliseconds since 1970 until when an answer may still be another one, since the mesh is told of new pods. */
  settledBy: number;
  /**
   * Certificates that the stage's proxies have held so far (see `heldBy`). A connection shows its server the one of its
   * beginning for as long as it lasts, though the proxy has a newer one.
   */
  held: Set<string>;
  /** Aborted by Ctrl-C. */
  stop: AbortSignal;
}

/** Nodes that get a client, of those that take pods. */
export interface NodeChoice {
  names: readonly string[];
  /** How many take pods. */
  total: number;
}
