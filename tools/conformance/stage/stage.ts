import type { KubeApi } from "../../programs/kube-api/kube-api.ts";
import type { ClusterAccess } from "../../programs/kubectl.ts";
import type { Mesh } from "./mesh.ts";

/** What scenarios act on: a namespace of their own with a server and its clients. */
export interface Stage {
  access: ClusterAccess;
  /** For reading. */
  api: KubeApi;
  mesh: Mesh;
  namespace: string;
  /** Images of the clients, which have `sleep` and `curl`, and of the server. */
  images: { client: string; server: string };
  /** Aborted by Ctrl-C. */
  stop: AbortSignal;
}
