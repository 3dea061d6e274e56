import { parse } from "yaml";
import { goDurationSeconds } from "../../base/durations.ts";
import { isMeshedNamespace } from "../../base/injection.ts";
import { isRecord } from "../../base/json-value.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import type { Snapshot, TbotPod } from "../snapshot.ts";
import type { ConfigMap, DaemonSet, Deployment, Namespace, Node, Pod, ServiceAccountTokenSource } from "./objects.ts";

/** A check needs what could not be read; the report says so in place of a verdict. */
export class CouldNotLook extends Error {
  override readonly name = "CouldNotLook";
}

/** What was read. @throws CouldNotLook with the reason why it could not be */
export function known<T>(read: Read<T>): T {
  if (read.ok) return read.value;
  throw new CouldNotLook(read.reason);
}

/** Whether a node or a pod is Ready. */
export function isReady({ status }: Pick<Node | Pod, "status">): boolean {
  return status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True") ?? false;
}

/** Pods in the namespaces of --namespace that are on a node and have not finished. */
export function livePods({ scope }: Snapshot, allLive: readonly Pod[]): Pod[] {
  return allLive.filter(({ metadata }) => scope?.includes(metadata.namespace) ?? true);
}

/** The same for all namespaces. */
export function allLivePods(running: readonly Pod[]): Pod[] {
  return running.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
}

/** Also those that are being deleted, which run on for as long as their grace period lasts. */
export function runningPods({ pods }: Snapshot): Pod[] {
  return known(pods).filter(
    ({ spec, status }) => spec.nodeName !== undefined && status.phase !== "Succeeded" && status.phase !== "Failed",
  );
}

/** Namespaces of --namespace whose pods Istio injects. */
export function meshedNamespaces(snapshot: Snapshot): Namespace[] {
  return known(snapshot.namespaces).filter(
    ({ metadata: { name, labels } }) => isMeshedNamespace(labels) && (snapshot.scope?.includes(name) ?? true),
  );
}

/** tbot's DaemonSet. @throws CouldNotLook without one, which tbot-nodes reports as a problem */
export function tbotDaemonSet({ tbotDaemonSets }: Snapshot): DaemonSet {
  const [first] = known(tbotDaemonSets);
  if (first === undefined) throw new CouldNotLook("there is no DaemonSet of tbot (see tbot-nodes)");
  return first;
}

/** The pods of tbot's DaemonSet among these. */
export function tbotPodsOf(snapshot: Snapshot, pods: readonly Pod[]): Pod[] {
  const { metadata, spec } = tbotDaemonSet(snapshot);
  const labels = Object.entries(spec.template.metadata?.labels ?? {});
  return pods.filter(
    (candidate) =>
      candidate.metadata.namespace === metadata.namespace &&
      labels.every(([key, value]) => candidate.metadata.labels?.[key] === value),
  );
}

/** How a container ended, and whether another one runs since. */
export interface Ended {
  /** "Error", "OOMKilled", …; as Kubernetes has it. */
  reason: string;
  exitCode?: number;
  isRunningAgain: boolean;
}

/**
 * How tbot's container ended, if that is why it is not ready; `undefined` where it never has, or its status does not say.
 * Kubernetes keeps an end for as long as the pod lives: a first join that failed weeks ago would be told as today's fault.
 */
export function tbotEnd({ status }: Pod): Ended | undefined {
  const { state, lastState } = status.containerStatuses?.find(({ name }) => name === "tbot") ?? {};
  const terminated = state?.terminated ?? lastState?.terminated;
  if (terminated === undefined) return undefined;
  // It became ready, or no longer ready, in the life of the container that runs: so this one had started well.
  const changed = status.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime;
  if (Date.parse(changed ?? "") > Date.parse(state?.running?.startedAt ?? "")) return undefined;
  const { reason = "Error", exitCode } = terminated;
  return { reason, ...(exitCode !== undefined && { exitCode }), isRunningAgain: state?.running !== undefined };
}

/** tbot's pod on a node. */
export interface TbotOnNode {
  name: string;
  ready: boolean;
  /** How its container ended, if that is why it is not ready; absent where it has not. */
  end?: Ended;
  /** Milliseconds since 1970. */
  readySince?: number;
}

/** What the checks need of tbot's pods on one node; absent without one. */
export function tbotOnNode(pods: readonly Pod[]): TbotOnNode | undefined {
  // Two are there for a moment while the DaemonSet replaces one that was evicted.
  const pod = pods.find(isReady) ?? pods[0];
  if (pod === undefined) return undefined;
  const ready = pod.status.conditions?.find(({ type, status }) => type === "Ready" && status === "True");
  const since = Date.parse(ready?.lastTransitionTime ?? "");
  const end = tbotEnd(pod);
  return {
    name: pod.metadata.name,
    ready: ready !== undefined,
    ...(end !== undefined && { end }),
    ...(!Number.isNaN(since) && { readySince: since }),
  };
}

/**
 * The running pods of tbot.
 *
 * @throws CouldNotLook when there is none, since no answer of theirs is no good news
 */
export function runningTbots(snapshot: Snapshot): TbotPod[] {
  known(snapshot.pods);
  if (snapshot.tbotPods.length === 0) throw new CouldNotLook("no pod of tbot runs (see tbot-nodes)");
  return snapshot.tbotPods;
}

/** tbot.yaml's text. @throws CouldNotLook without one, which tbot-config reports as a problem */
function tbotConfigText({ tbotConfig }: Snapshot): string {
  const text = known(tbotConfig);
  if (text === undefined) throw new CouldNotLook("there is no tbot.yaml (see tbot-config)");
  return text;
}

/** What of tbot.yaml other checks compare; absent where it is not there or no text. */
export interface TbotSettings {
  tokenName?: string;
  /** Directory and file name of the socket. */
  socketDirectory?: string;
  socketFile?: string;
  /** Seconds. */
  credentialLife?: number;
  renewalInterval?: number;
  skipVerify: boolean;
}

/** tbot's defaults, in seconds (Teleport lib/tbot/config). */
const DEFAULT_LIFE = 3600;
const DEFAULT_INTERVAL = 1200;

/** Read leniently: whether it is right is what tbot-config says. */
export function tbotSettings(snapshot: Snapshot): TbotSettings {
  let config: TbotYaml | null;
  try {
    config = parse(tbotConfigText(snapshot)) as TbotYaml | null;
  } catch (error) {
    if (error instanceof CouldNotLook) throw error;
    throw new CouldNotLook("tbot.yaml is not YAML (see tbot-config)");
  }
  const service = config?.services?.[0];
  const socket = /^unix:\/\/(.*)\/([^/]+)$/.exec(service?.listen ?? "");
  const seconds = (own: unknown, root: unknown, otherwise: number) =>
    goDurationSeconds(String(own ?? root ?? "")) ?? otherwise;
  return {
    ...(config?.onboarding?.token !== undefined && { tokenName: config.onboarding.token }),
    ...(socket?.[1] !== undefined && { socketDirectory: socket[1] }),
    ...(socket?.[2] !== undefined && { socketFile: socket[2] }),
    credentialLife: seconds(service?.credential_ttl, config?.credential_ttl, DEFAULT_LIFE),
    renewalInterval: seconds(service?.renewal_interval, config?.renewal_interval, DEFAULT_INTERVAL),
    skipVerify: service?.attestors?.kubernetes?.kubelet?.skip_verify === true,
  };
}

interface TbotYaml {
  onboarding?: { token?: string };
  credential_ttl?: string;
  renewal_interval?: string;
  services?: {
    listen?: string;
    credential_ttl?: string;
    renewal_interval?: string;
    attestors?: { kubernetes?: { kubelet?: { skip_verify?: boolean } } };
  }[];
}

/** The directory on the node in which tbot's socket is. */
export function socketDirectory(snapshot: Snapshot): string {
  const { socketDirectory: directory } = tbotSettings(snapshot);
  if (directory === undefined) throw new CouldNotLook("tbot.yaml has no Unix socket (see tbot-config)");
  return directory;
}

/** The audience of the ServiceAccount token with which tbot joins: where it is mounted, and how long it lives. */
export function joinTokenSource(snapshot: Snapshot): ServiceAccountTokenSource | undefined {
  const { spec } = tbotDaemonSet(snapshot).spec.template;
  const tbot = spec.containers.find(({ name }) => name === "tbot");
  const path = tbot?.env?.findLast(({ name }) => name === "KUBERNETES_TOKEN_PATH")?.value ?? "";
  const mount = tbot?.volumeMounts?.find(({ mountPath }) => path.startsWith(`${mountPath}/`));
  const sources = spec.volumes?.find(({ name }) => name === mount?.name)?.projected?.sources ?? [];
  const file = path.slice((mount?.mountPath.length ?? 0) + 1);
  return sources.find(({ serviceAccountToken: token }) => token?.path === file)?.serviceAccountToken;
}

/** A control plane, by its revision. */
export interface Revision {
  name: string;
  namespace: string;
  deployment: Deployment;
  mesh: MeshConfig;
  /** Absent where istiod got its injection configuration in another way. */
  injector?: InjectorConfig;
  /** The values of Istio's chart that its templates read; absent as above. */
  injectorValues?: InjectorValues;
  /** PEM of istiod's own roots. */
  istiodRoots: string;
}

interface MeshConfig {
  trustDomain?: string;
  trustDomainAliases?: string[];
  rootNamespace?: string;
  pathNormalization?: { normalization?: string };
  defaultConfig?: { proxyMetadata?: Record<string, string> };
}

interface InjectorValues {
  pilot?: { cni?: { enabled?: boolean } };
}

/** What istiod injects, by its ConfigMap. */
export interface InjectorConfig {
  defaultTemplates?: string[];
  templates?: Record<string, string>;
}

/**
 * Each control plane with its configuration, from the ConfigMaps that Istio's charts make: istio[-<revision>] and
 * istio-sidecar-injector[-<revision>].
 *
 * @throws CouldNotLook when there is none, which trust-domain reports as a problem
 */
export function revisions(snapshot: Pick<Snapshot, "istiods" | "istioConfigMaps">): Revision[] {
  const configMaps = known(snapshot.istioConfigMaps);
  const found = known(snapshot.istiods).map((deployment): Revision => {
    const { namespace, labels } = deployment.metadata;
    const name = labels?.["istio.io/rev"] ?? "default";
    const data = (base: string) => {
      const suffix = name === "default" ? "" : `-${name}`;
      return dataOf(configMaps, namespace, `${base}${suffix}`);
    };
    const { config, values } = data("istio-sidecar-injector");
    const injector = yamlMap(config, `the injection configuration of istiod ${name}`);
    const injectorValues = yamlMap(values, `the injection values of istiod ${name}`);
    return {
      name,
      namespace,
      deployment,
      mesh: (yamlMap(data("istio").mesh, `the mesh configuration of istiod ${name}`) ?? {}) as MeshConfig,
      ...(injector !== undefined && { injector: injector as InjectorConfig }),
      ...(injectorValues !== undefined && { injectorValues: injectorValues as InjectorValues }),
      istiodRoots: dataOf(configMaps, namespace, "istio-ca-root-cert")["root-cert.pem"] ?? "",
    };
  });
  if (found.length === 0) throw new CouldNotLook("there is no Deployment of istiod (see trust-domain)");
  return found;
}

/** @throws CouldNotLook when the text is no YAML map; istiod then continues with what it had */
function yamlMap(text: string | undefined, what: string): Record<string, unknown> | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = parse(text);
    if (value === null) return {};
    if (isRecord(value)) return value;
  } catch {
    // Said below.
  }
  throw new CouldNotLook(`${what} is not a YAML map`);
}

function dataOf(configMaps: readonly ConfigMap[], namespace: string, name: string): Record<string, string> {
  const configMap = configMaps.find(({ metadata }) => metadata.namespace === namespace && metadata.name === name);
  return configMap?.data ?? {};
}
