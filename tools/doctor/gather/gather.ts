import { isRecord, jsonIn, recordAt, textAt } from "../../base/json-value.ts";
import { type KubeApi, NODE_TIMEOUT } from "../../programs/kube-api/kube-api.ts";
import type { Read } from "../../programs/kube-api/read.ts";
import { isKubernetesObject, isPod } from "../../programs/kubernetes-objects.ts";
import type { StoredToken } from "../../teleport/join/stored-token.ts";
import type { Values } from "../../values/types.ts";
import { isReady, tbotEnd } from "../facts/facts.ts";
import { isMeshed } from "../facts/meshed-pods.ts";
import type { ConfigMap, DaemonSet, Deployment, Pod } from "../facts/objects.ts";
import type { Snapshot, StoredInTeleport, TbotPod, TbotReadiness } from "../snapshot.ts";
import { readAdmissionBinding, readAdmissionPolicy } from "./admission.ts";
import { readIstioConfigMaps, readIstiods } from "./istiods.ts";
import { withLastWords } from "./proxy-last-words.ts";
import { readProxies } from "./proxy-secrets.ts";
import { withRefusals } from "./refusals.ts";
import { readRefusedCreations } from "./refused-creations.ts";
import { complaintsIn, lastWordsIn } from "./tbot-log.ts";
import { readTeleportVersion } from "./teleport-version.ts";

/** What the user gives beside the cluster. */
export interface Given {
  scope?: string[];
  intended?: Values;
  joinTokens?: StoredToken[];
  teleportVersion?: string;
  /** Asks tctl; absent without --tctl. */
  readTeleport?: () => Promise<StoredInTeleport>;
}

/** Labels of this chart's tbot; another chart's in the cluster serves another socket. */
const TBOT_SELECTOR = "labelSelector=app.kubernetes.io/name=tbot,app.kubernetes.io/part-of=istio-teleport";

const CSI_SELECTOR = "labelSelector=app.kubernetes.io/name=tbot-csi,app.kubernetes.io/part-of=istio-teleport";

const DIAGNOSTICS_PORT = 3001;

/** How far back tbot's log is read, in seconds: longer than Envoy's longest pause between two attempts (30 s). */
const LOG_SECONDS = 120;

/** Lines in which a tbot that ended says why. */
const LAST_LINES = 50;

/**
 * Reads everything that the checks need, each once and as much as possible at the same time. What cannot be read is in
 * the snapshot as the reason why; nothing is thrown for it.
 *
 * @param progress is told what is being read
 */
export async function gather(api: KubeApi, given: Given, progress: (what: string) => void): Promise<Snapshot> {
  progress("reading the cluster");
  const takenAt = await api.date();
  const apiAhead = takenAt.ok ? takenAt.value - Date.now() : 0;
  const [
    version,
    nodes,
    nodeLeases,
    namespaces,
    pods,
    labelled,
    labelledCsi,
    jwks,
    discovery,
    istiods,
    peerAuthentications,
  ] = await Promise.all([
    api.get<Record<string, unknown>>("/version"),
    api.list<Listed<"nodes">>("/api/v1/nodes"),
    api.list<Listed<"nodeLeases">>("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases"),
    api.list<Listed<"namespaces">>("/api/v1/namespaces"),
    api.list("/api/v1/pods", isRunnable),
    api.list(`/apis/apps/v1/daemonsets?${TBOT_SELECTOR}`, isDaemonSet),
    api.list(`/apis/apps/v1/daemonsets?${CSI_SELECTOR}`, isDaemonSet),
    api.text("/openid/v1/jwks"),
    api.get<{ issuer?: unknown }>("/.well-known/openid-configuration"),
    readIstiods(api),
    api.list<Listed<"peerAuthentications">>("/apis/security.istio.io/v1/peerauthentications"),
  ]);
  const tbotDaemonSets = map(labelled, (found) => ownFirst(found, given));
  const daemonSet = tbotDaemonSets.ok ? tbotDaemonSets.value[0] : undefined;
  const meshed = pods.ok ? pods.value.filter((pod) => isMeshed(pod) && isRunning(pod) && inScope(pod, given)) : [];
  const [
    authorizationPolicies,
    admissionPolicy,
    admissionBinding,
    istioConfigMaps,
    tbotConfig,
    gatewayDeployments,
    csiNodes,
    destinationRules,
    refusedCreations,
  ] = await Promise.all([
    api.list<Listed<"authorizationPolicies">>("/apis/security.istio.io/v1/authorizationpolicies"),
    readAdmissionPolicy(api),
    readAdmissionBinding(api),
    readIstioConfigMaps(api, istiods),
    readTbotConfig(api, daemonSet),
    api.list<Deployment>("/apis/apps/v1/deployments?labelSelector=gateway.networking.k8s.io/gateway-name"),
    api.list<Listed<"csiNodes">>("/apis/storage.k8s.io/v1/csinodes"),
    api.list<Listed<"destinationRules">>("/apis/networking.istio.io/v1/destinationrules"),
    readRefusedCreations(api),
  ]);
  // Together, since a node that is silent makes both wait.
  const [tbotPods, proxies, podsRight, proxyRight, teleport] = await Promise.all([
    readTbotPods(api, daemonSet, pods, apiAhead),
    readProxies(api, meshed, (done) => progress(`reading certificates: ${done} of ${meshed.length} proxies`)),
    readKubeletRight(api, daemonSet, "pods"),
    readKubeletRight(api, daemonSet, "proxy"),
    given.readTeleport?.(),
  ]);
  const teleportVersion = await readTeleportVersion(given, teleport, tbotConfig);
  return {
    takenAt,
    ...(takenAt.ok && { readUntil: Date.now() + apiAhead }),
    ...(given.scope !== undefined && { scope: given.scope }),
    ...(given.intended !== undefined && { intended: given.intended }),
    ...(given.joinTokens !== undefined && { joinTokens: given.joinTokens }),
    ...(teleport !== undefined && { teleport }),
    teleportVersion,
    kubernetesVersion: map(version, (value = {}) => textAt(value, "gitVersion")),
    nodes,
    nodeLeases,
    namespaces,
    pods,
    tbotDaemonSets,
    tbotConfig,
    tbotPods,
    csiDaemonSets: map(labelledCsi, (found) => besideTbot(found, daemonSet)),
    kubeletRights: { pods: podsRight, proxy: proxyRight },
    jwks,
    ...(discovery.ok && discovery.value?.issuer !== undefined && { issuer: String(discovery.value.issuer) }),
    istiods,
    istioConfigMaps,
    peerAuthentications,
    authorizationPolicies,
    gatewayDeployments,
    csiNodes,
    refusedCreations,
    destinationRules,
    admissionPolicy,
    admissionBinding,
    proxies: await withLastWords(api, meshed, await withRefusals(api, meshed, proxies)),
  };
}

function isRunnable(value: unknown): value is Pod {
  return isPod<Pod>(value) && isRecord(value.status);
}

function isDaemonSet(value: unknown): value is DaemonSet {
  if (!isKubernetesObject<Record<string, unknown>>(value)) return false;
  const pod = recordAt(recordAt(recordAt(value, "spec"), "template"), "spec");
  return Array.isArray(pod.containers) && Array.isArray(pod.volumes ?? []);
}

type Listed<Key extends keyof Snapshot> =
  Snapshot[Key] extends Read<infer Value> ? (Value extends (infer Item)[] ? Item : Value) : never;

function map<From, To>(read: Read<From>, change: (value: From) => To): Read<To> {
  return read.ok ? { ok: true, value: change(read.value) } : read;
}

/** Its labels are anybody's to put on a DaemonSet: where the values are known, the one of their namespace is meant. */
function ownFirst(found: readonly DaemonSet[], { intended }: Given): DaemonSet[] {
  const isOwn = ({ metadata }: DaemonSet) => metadata.namespace === intended?.tbot.namespace.name;
  return found.toSorted((a, b) => Number(isOwn(b)) - Number(isOwn(a)));
}

/** The chart installs the CSI driver in tbot's namespace: a DaemonSet elsewhere has borrowed its labels. */
function besideTbot(found: readonly DaemonSet[], tbot: DaemonSet | undefined): DaemonSet[] {
  return found.filter(({ metadata }) => tbot === undefined || metadata.namespace === tbot.metadata.namespace);
}

function isRunning(pod: Pod): boolean {
  const finished = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
  return pod.spec.nodeName !== undefined && !finished && pod.metadata.deletionTimestamp === undefined;
}

function inScope(pod: Pod, { scope }: Given): boolean {
  return scope === undefined || scope.includes(pod.metadata.namespace);
}

async function readTbotConfig(api: KubeApi, daemonSet: DaemonSet | undefined): Promise<Read<string | undefined>> {
  if (daemonSet === undefined) return { ok: true, value: undefined };
  const volumes = daemonSet.spec.template.spec.volumes ?? [];
  const name = volumes.find(({ configMap }) => configMap !== undefined)?.configMap?.name;
  if (name === undefined) return { ok: true, value: undefined };
  const path = `/api/v1/namespaces/${daemonSet.metadata.namespace}/configmaps/${name}`;
  return map(await api.get<ConfigMap>(path), (configMap) => configMap?.data?.["tbot.yaml"]);
}

async function readKubeletRight(
  api: KubeApi,
  daemonSet: DaemonSet | undefined,
  subresource: "pods" | "proxy",
): Promise<Read<boolean>> {
  if (daemonSet === undefined) return { ok: false, reason: "there is no DaemonSet of tbot" };
  const { namespace } = daemonSet.metadata;
  const account = daemonSet.spec.template.spec.serviceAccountName ?? "default";
  const answer = await api.review<{ status?: { allowed?: boolean } }>(
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    {
      apiVersion: "authorization.k8s.io/v1",
      kind: "SubjectAccessReview",
      spec: {
        user: `system:serviceaccount:${namespace}:${account}`,
        groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"],
        resourceAttributes: { verb: "get", resource: "nodes", subresource },
      },
    },
  );
  return map(answer, (review) => review?.status?.allowed === true);
}

async function readTbotPods(
  api: KubeApi,
  daemonSet: DaemonSet | undefined,
  pods: Read<Pod[]>,
  apiAhead: number,
): Promise<TbotPod[]> {
  if (daemonSet === undefined || !pods.ok) return [];
  const labels = Object.entries(daemonSet.spec.template.metadata?.labels ?? {});
  const own = pods.value.filter(
    ({ metadata, status }) =>
      metadata.namespace === daemonSet.metadata.namespace &&
      status.phase === "Running" &&
      labels.every(([key, value]) => metadata.labels?.[key] === value),
  );
  return Promise.all(own.map((pod) => readTbotPod(api, pod, apiAhead)));
}

/** @param apiAhead milliseconds by which the API server's clock is ahead of this machine's */
async function readTbotPod(api: KubeApi, pod: Pod, apiAhead: number): Promise<TbotPod> {
  const { namespace, name } = pod.metadata;
  const where = { namespace, name, port: DIAGNOSTICS_PORT };
  const logPath = `/api/v1/namespaces/${namespace}/pods/${name}/log?container=tbot`;
  const log = `${logPath}&sinceSeconds=${LOG_SECONDS}&tailLines=2000`;
  const asked = Date.now();
  let answered = asked;
  const end = isReady(pod) ? undefined : tbotEnd(pod);
  const [ready, metrics, lines, lastWords] = await Promise.all([
    api.fromPod(where, "/readyz").finally(() => {
      answered = Date.now();
    }),
    api.fromPod(where, "/metrics"),
    api.text(log, NODE_TIMEOUT),
    // While no container runs, the kubelet takes the one that ended for the current one.
    end && api.text(`${logPath}&tailLines=${LAST_LINES}&previous=${end.isRunningAgain}`, NODE_TIMEOUT),
  ]);
  return {
    name,
    node: pod.spec.nodeName ?? "",
    ready: readiness(ready),
    version: map(metrics, ({ body }) => /^teleport_build_info\{[^}]*version="([^"]*)"/m.exec(body)?.[1]),
    clockAhead: map(ready, ({ date }) => ahead(date, asked + apiAhead, answered + apiAhead)),
    complaints: map(lines, complaintsIn),
    ...(lastWords && { lastWords: map(lastWords, lastWordsIn) }),
  };
}

/** The least difference that explains a time, cut to whole seconds, between two moments of another clock. */
function ahead(date: number | undefined, earliest: number, latest: number): number {
  if (date === undefined) return 0;
  // `takenAt` is cut to whole seconds as well.
  if (date > latest + 1000) return date - latest - 1000;
  return date + 1000 < earliest ? date + 1000 - earliest : 0;
}

function readiness(answer: Awaited<ReturnType<KubeApi["fromPod"]>>): Read<TbotReadiness> {
  if (!answer.ok) return answer;
  const { status, body } = answer.value;
  const said = jsonIn(body);
  const services = isRecord(said) ? Object.values(recordAt(said, "services")) : [];
  if (services.length > 0 && services.every(isRecord)) return { ok: true, value: said as TbotReadiness };
  return { ok: false, reason: `its /readyz answers ${status} and names no service of tbot` };
}
