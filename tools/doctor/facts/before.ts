import type { Release } from "../../programs/helm-releases.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import type { JoinToken } from "../../teleport/join/join-token.ts";
import type { StoredToken } from "../../teleport/join/stored-token.ts";
import type { TeleportResource, TeleportStatus } from "../../teleport/resources.ts";
import type { Values } from "../../values/types.ts";
import type { Node } from "./objects.ts";

/** What is planned, and what is there before it is installed. */
export interface BeforeFacts {
  intended: Values;
  /** The join token with this cluster's keys. */
  token: Read<JoinToken>;
  /** Versions of the programs that an installation calls, for people: "helm v4.3.1". */
  programs: Read<string>[];
  /** `gitVersion` of the API server. */
  kubernetesVersion: Read<string>;
  nodes: Read<Node[]>;
  /** Rights that an installation needs and this user lacks: "create namespaces". */
  missingRights: Read<string[]>;
  /** The cluster that tctl is logged in to. */
  teleport: Read<TeleportStatus>;
  /** Role, bot and workload identity of the values, compared with what Teleport stores. */
  teleportResources: Read<TeleportResource[]>;
  storedTokens: Read<StoredToken[]>;
  releases: Read<Release[]>;
  /** Releases of the chart under other names that hold policies of applications and nothing else. */
  policyReleases: Read<Release[]>;
  /** What Helm's record of the chart's release will take, bytes. */
  releaseBytes: number;
  istio: { managed: "here"; found: Read<IstioHere> } | { managed: "elsewhere"; found: Read<IstioElsewhere> };
  /** Whether istio-cni is there; absent where the values do not rely on it. */
  istioCni?: Read<boolean>;
  namespaces: Read<PlannedNamespace[]>;
}

/** Istio where an installation manages it. */
export interface IstioHere {
  /** A Deployment of istiod, as namespace/name, that is of no release of ours. */
  foreign?: string;
  release?: Release;
  /** Trust domain of a mesh that is there, if it is another one than the values'. */
  otherTrustDomain?: string;
  /** Pods with a proxy of that mesh. */
  meshedPods: number;
}

/** Istio where others manage it (--skip-istio). */
export interface IstioElsewhere {
  hasCrds: boolean;
  /** Of each revision of istiod in the values' root namespace. */
  trustDomains: string[];
}

/** A namespace that the chart makes. */
export interface PlannedNamespace {
  name: string;
  /** `ours`: it is there, and our release made it. */
  state: "absent" | "ours" | "other";
}
