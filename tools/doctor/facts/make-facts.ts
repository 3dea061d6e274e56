import { X509Certificate } from "node:crypto";
import { groupBy } from "../../base/group-by.ts";
import type { Snapshot } from "../snapshot.ts";
import { type CertifiedPod, certifiedPods, type ReadCertificate } from "./certificates.ts";
import { clusterName, provenClusterName } from "./cluster-name.ts";
import {
  allLivePods,
  livePods,
  meshedNamespaces,
  type Revision,
  revisions,
  runningPods,
  type TbotOnNode,
  type TbotSettings,
  tbotOnNode,
  tbotPodsOf,
  tbotSettings,
} from "./facts.ts";
import { type InjectionScope, injectionScope, isInScope, ownRevisions } from "./injection-scope.ts";
import { isMeshed, nodeOf } from "./meshed-pods.ts";
import type { Namespace, Pod } from "./objects.ts";
import { type SocketSource, socketSource } from "./socket-source.ts";

/**
 * A snapshot, and what follows from it. Each fact is made at its first use and kept; one that could not be made throws
 * the same error at each use.
 */
export interface Facts extends Snapshot {
  /** The certificate of a PEM text, parsed once. */
  certificate: ReadCertificate;
  /** See the functions of these names. */
  runningPods(): readonly Pod[];
  livePods(): readonly Pod[];
  /** Which meshed pods are to have Teleport's identity. */
  injectionScope(): InjectionScope;
  /** Running pods in this scope that have Istio's proxy. */
  meshedPods(): readonly Pod[];
  /** How many have it and are out of this scope. */
  podsOutOfScope(): number;
  /** Meshed namespaces whose pods are in this scope; where pods choose, those in which one has chosen it. */
  meshedNamespaces(): readonly Namespace[];
  /**
   * Pods in this scope that the admission policy judges: besides the meshed ones those of meshed namespaces that have no
   * proxy.
   */
  judgedPods(): readonly Pod[];
  certifiedPods(): readonly CertifiedPod[];
  revisions(): readonly Revision[];
  /** Those of them that give pods in this scope their sidecars. */
  ownRevisions(): readonly Revision[];
  tbotSettings(): TbotSettings;
  socketSource(): SocketSource;
  clusterName(): string;
  provenClusterName(): string | undefined;
  /** tbot's pod on a node; absent where none is. */
  tbotOn(node: string): TbotOnNode | undefined;
}

/** A pure function of the snapshot, which nobody may change after it. */
export function makeFacts(snapshot: Snapshot, parse = (pem: string) => new X509Certificate(pem)): Facts {
  const parsed = new Map<string, X509Certificate>();
  const certificate = (pem: string) => {
    const known = parsed.get(pem) ?? parse(pem);
    parsed.set(pem, known);
    return known;
  };
  const running = once(() => runningPods(snapshot));
  const allLive = once(() => allLivePods(running()));
  const live = once(() => livePods(snapshot, allLive()));
  const controlPlanes = once(() => revisions(snapshot));
  const scope = once(() => injectionScope(snapshot, controlPlanes));
  const allMeshed = once(() => live().filter(isMeshed));
  const meshed = once(() => allMeshed().filter((pod) => isInScope(scope(), pod)));
  const inScope = once(() => new Set(live().flatMap((pod) => (isInScope(scope(), pod) ? pod.metadata.namespace : []))));
  const ofMesh = once(() => meshedNamespacesIn(snapshot, scope(), inScope));
  const certified = once(() => certifiedPods(snapshot.proxies, meshed(), controlPlanes(), certificate));
  const tbots = once(() => groupBy(tbotPodsOf(snapshot, allLive()), nodeOf));
  return {
    ...snapshot,
    certificate,
    runningPods: running,
    livePods: live,
    injectionScope: scope,
    meshedPods: meshed,
    podsOutOfScope: () => allMeshed().length - meshed().length,
    meshedNamespaces: ofMesh,
    judgedPods: once(() => {
      const names = new Set(ofMesh().map(({ metadata }) => metadata.name));
      return live().filter((pod) => isInScope(scope(), pod) && (isMeshed(pod) || names.has(pod.metadata.namespace)));
    }),
    certifiedPods: certified,
    revisions: controlPlanes,
    ownRevisions: once(() => ownRevisions(snapshot, scope(), controlPlanes())),
    tbotSettings: once(() => tbotSettings(snapshot)),
    socketSource: once(() => socketSource(snapshot)),
    clusterName: once(() => clusterName(snapshot, certified)),
    provenClusterName: once(() => provenClusterName(snapshot, certified)),
    tbotOn: (node) => tbotOnNode(tbots().get(node) ?? []),
  };
}

function meshedNamespacesIn(
  snapshot: Snapshot,
  scope: InjectionScope,
  withPods: () => ReadonlySet<string>,
): Namespace[] {
  const all = meshedNamespaces(snapshot);
  if (scope.kind === "mesh") return all;
  const listed = scope.kind === "namespace" ? new Set(scope.namespaces) : withPods();
  return all.filter(({ metadata }) => listed.has(metadata.name));
}

/** The same answer, or the same error, at each call. */
function once<T>(make: () => T): () => T {
  let answer: (() => T) | undefined;
  return () => {
    if (answer === undefined) {
      try {
        const value = make();
        answer = () => value;
      } catch (error) {
        answer = () => {
          throw error;
        };
      }
    }
    return answer();
  };
}
