/** The parts of Kubernetes' and Istio's objects that doctor reads. */

interface Metadata {
  name: string;
  namespace?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  creationTimestamp?: string;
  deletionTimestamp?: string;
}

export interface VolumeMount {
  name: string;
  mountPath: string;
  readOnly?: boolean;
  subPath?: string;
  subPathExpr?: string;
}

export interface Container {
  name: string;
  image?: string;
  args?: string[];
  env?: { name: string; value?: string }[];
  volumeMounts?: VolumeMount[];
}

export interface Volume {
  name: string;
  hostPath?: { path: string };
  csi?: { driver: string; readOnly?: boolean };
  configMap?: { name?: string };
  projected?: { sources?: { serviceAccountToken?: ServiceAccountTokenSource }[] };
}

export interface ServiceAccountTokenSource {
  path: string;
  audience?: string;
  expirationSeconds?: number;
}

interface PodSpec {
  nodeName?: string;
  serviceAccountName?: string;
  hostNetwork?: boolean;
  containers: Container[];
  initContainers?: Container[];
  ephemeralContainers?: Container[];
  volumes?: Volume[];
}

interface Condition {
  type: string;
  status: string;
  reason?: string;
  message?: string;
  lastTransitionTime?: string;
}

export interface ContainerStatus {
  name: string;
  ready?: boolean;
  state?: { running?: { startedAt?: string }; terminated?: Terminated; waiting?: { reason?: string } };
  /** How the container before this one ended. */
  lastState?: { terminated?: Terminated };
}

interface Terminated {
  /** "Error", "OOMKilled", … */
  reason?: string;
  exitCode?: number;
}

export interface Pod {
  metadata: Metadata & { namespace: string };
  spec: PodSpec;
  status: {
    phase?: string;
    conditions?: Condition[];
    containerStatuses?: ContainerStatus[];
    /** Native sidecars among them. */
    initContainerStatuses?: ContainerStatus[];
  };
}

export interface Node {
  metadata: Metadata;
  status: { conditions?: Condition[]; nodeInfo: { kubeletVersion: string } };
}

/** A node's heartbeat: `renewTime` is written by the kubelet with the node's clock, every 10 s. */
export interface Lease {
  metadata: Metadata;
  spec?: { renewTime?: string };
}

export interface Namespace {
  metadata: Metadata;
}

export interface DaemonSet {
  metadata: Metadata & { namespace: string };
  spec: { template: { metadata?: { labels?: Record<string, string> }; spec: PodSpec } };
}

export interface Deployment {
  metadata: Metadata & { namespace: string };
  spec: { template: { spec: PodSpec } };
  status?: { conditions?: Condition[] };
}

/** What a kubelet knows of CSI drivers. */
export interface CSINode {
  metadata: Metadata;
  spec: { drivers?: { name: string }[] | null };
}

export interface ConfigMap {
  metadata: Metadata & { namespace: string };
  data?: Record<string, string>;
}

/** STRICT, PERMISSIVE, DISABLE, or UNSET, which inherits. */
interface MutualTls {
  mode?: string;
}

export interface PeerAuthentication {
  metadata: Metadata & { namespace: string };
  spec?: {
    selector?: { matchLabels?: Record<string, string> };
    mtls?: MutualTls;
    portLevelMtls?: Record<string, MutualTls>;
  };
}

interface TlsSettings {
  /** DISABLE, SIMPLE, MUTUAL or ISTIO_MUTUAL. */
  mode?: string;
  subjectAltNames?: string[];
}

interface TrafficPolicy {
  tls?: TlsSettings;
  portLevelSettings?: { port?: { number?: number }; tls?: TlsSettings }[];
}

export interface DestinationRule {
  metadata: Metadata & { namespace: string };
  spec?: {
    host?: string;
    trafficPolicy?: TrafficPolicy;
    subsets?: { name: string; trafficPolicy?: TrafficPolicy }[];
  };
}

export interface AuthorizationPolicy {
  metadata: Metadata & { namespace: string };
  spec?: {
    /** Default: ALLOW. */
    action?: string;
    rules?: {
      from?: { source?: PolicySource }[];
      to?: { operation?: { paths?: string[]; notPaths?: string[] } }[];
      when?: { key: string; values?: string[]; notValues?: string[] }[];
    }[];
  };
}

export interface PolicySource {
  principals?: string[];
  notPrincipals?: string[];
  serviceAccounts?: string[];
  notServiceAccounts?: string[];
  trustDomains?: string[];
}

export interface AdmissionPolicy {
  metadata: Metadata;
  spec: { failurePolicy?: string; variables?: { name: string; expression: string }[] };
}

export interface AdmissionPolicyBinding {
  metadata: Metadata;
  spec: { policyName: string; validationActions?: string[]; matchResources?: object };
}
