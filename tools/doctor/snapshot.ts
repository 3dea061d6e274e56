import type { Read } from "../programs/kube-api/read.ts";
import type { StoredToken } from "../teleport/join/stored-token.ts";
import type { TeleportResource, TeleportStatus } from "../teleport/resources.ts";
import type { Values } from "../values/types.ts";
import type {
  AdmissionPolicy,
  AdmissionPolicyBinding,
  AuthorizationPolicy,
  ConfigMap,
  CSINode,
  DaemonSet,
  Deployment,
  DestinationRule,
  Lease,
  Namespace,
  Node,
  PeerAuthentication,
  Pod,
} from "./facts/objects.ts";

/** Everything that the checks judge, read once. Plain JSON, so that a recorded one serves the tests. */
export interface Snapshot {
  /** When it was taken, milliseconds since 1970, by the API server's clock. */
  takenAt: Read<number>;
  /** When the last proxy had answered, by the same clock; a large mesh takes a while. Absent: at `takenAt`. */
  readUntil?: number;
  /** Namespaces that --namespace names; absent: all. */
  scope?: string[];
  /** The values that --values states; absent: only the cluster is known. */
  intended?: Values;
  /** The join tokens of --token-file; absent without it. */
  joinTokens?: StoredToken[];
  /** What tctl reads, with --tctl; absent without it. */
  teleport?: StoredInTeleport;
  /** The Teleport cluster's version, from --teleport-version, tctl or the proxy; why not otherwise. */
  teleportVersion: Read<string>;

  /** `gitVersion` of the API server. */
  kubernetesVersion: Read<string>;
  nodes: Read<Node[]>;
  nodeLeases: Read<Lease[]>;
  namespaces: Read<Namespace[]>;
  pods: Read<Pod[]>;

  /** DaemonSets with this chart's labels. */
  tbotDaemonSets: Read<DaemonSet[]>;
  /** tbot.yaml as the first of them mounts it; `undefined` where its ConfigMap lacks it. */
  tbotConfig: Read<string | undefined>;
  tbotPods: TbotPod[];
  /** DaemonSets of the SPIFFE CSI driver with this chart's labels; none in the socket mode hostPath. */
  csiDaemonSets: Read<DaemonSet[]>;
  /** Whether tbot's ServiceAccount may read each subresource of nodes, by SubjectAccessReview. */
  kubeletRights: Record<"pods" | "proxy", Read<boolean>>;
  /** The JWKS that the API server publishes. */
  jwks: Read<string>;
  /** Issuer of ServiceAccount tokens; absent where the discovery document may not be read. */
  issuer?: string;

  /** Deployments of istiod, one per revision. */
  istiods: Read<Deployment[]>;
  /** ConfigMaps in the namespaces of istiod. */
  istioConfigMaps: Read<ConfigMap[]>;
  peerAuthentications: Read<PeerAuthentication[]>;
  authorizationPolicies: Read<AuthorizationPolicy[]>;
  /** Deployments that istiod made for gateways of the Kubernetes Gateway API. */
  gatewayDeployments: Read<Deployment[]>;
  /** Workloads that the API server refuses the next pod of. */
  refusedCreations: Read<RefusedCreation[]>;
  destinationRules: Read<DestinationRule[]>;
  /** What CSI drivers each kubelet has registered. */
  csiNodes: Read<CSINode[]>;
  /** The admission policy that this chart makes, and its binding; `undefined` where there is none. */
  admissionPolicy: Read<AdmissionPolicy | undefined>;
  admissionBinding: Read<AdmissionPolicyBinding | undefined>;

  /** The live secrets of each running sidecar and gateway in scope. */
  proxies: MeshProxy[];
}

/** What the Teleport cluster stores that tctl is logged in to. */
export interface StoredInTeleport {
  status: Read<TeleportStatus>;
  joinTokens: Read<StoredToken[]>;
  /** Role, bot and workload identity beside those of the values; absent without values. */
  resources?: Read<TeleportResource[]>;
}

/** A ReplicaSet, StatefulSet, DaemonSet or Job that lacks pods since their creation was refused. */
export interface RefusedCreation {
  kind: string;
  namespace: string;
  name: string;
  /** Kind and name of what owns it, as a Deployment does a ReplicaSet; absent where nothing does. */
  owner?: { kind: string; name: string };
  /** The API server's words, of the newest refusal. */
  message: string;
}

/** A running pod of tbot. */
export interface TbotPod {
  name: string;
  node: string;
  ready: Read<TbotReadiness>;
  /** What its metric teleport_build_info says; `undefined` without that metric. */
  version: Read<string | undefined>;
  /** Milliseconds by which the node's clock is ahead of the API server's; a second of doubt. */
  clockAhead: Read<number>;
  /** Warnings and errors of the last two minutes, in which a waiting Envoy has asked again. */
  complaints: Read<LogEntry[]>;
  /** What it said last before its container ended; absent while it is ready, and where it has not ended. */
  lastWords?: Read<string>;
  /**
   * When it connected to Teleport again after a break, milliseconds since 1970, since the oldest late certificate of its
   * node was issued; absent where none is late.
   */
  connectionBreaks?: Read<number[]>;
}

/** What tbot's /readyz says (Teleport lib/tbot/readyz). */
export interface TbotReadiness {
  status: string;
  services: Record<string, { status: string; reason?: string }>;
}

export interface LogEntry {
  message: string;
  error: string;
}

/** An Envoy of the mesh. */
export interface MeshProxy {
  namespace: string;
  pod: string;
  secrets: Read<ProxySecrets>;
  /**
   * Why tbot ended its last stream, in tbot's or Teleport's words, from its log of the last two minutes; `undefined` where
   * that does not say. Absent where it was not read: only some of the proxies that lack an identity or a stream are.
   */
  refusal?: Read<string | undefined>;
  /** What its agent said last; absent where it answers, has not ended, or ten others' were read. */
  lastWords?: Read<string>;
}

/** What an Envoy holds, from its admin interface. */
export interface ProxySecrets {
  /** PEM certificates of the secret `default`, the leaf first; empty while Envoy waits for it. */
  chain: string[];
  /** PEM certificates of the secret `ROOTCA`; empty while Envoy waits for it. */
  roots: string[];
  /** Serial numbers in use in its TLS contexts, hexadecimal, lower case: config_dump alone may run ahead of them. */
  serialsInUse: string[];
  /** Its connections to tbot's socket, and its streams on them; absent where its /clusters has none of Istio's name. */
  tbot?: { connections: number; streams: number };
}
