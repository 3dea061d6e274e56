import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { parse, stringify } from "yaml";
import { page } from "../../../tools/base/documentation.ts";
import { CHECKS } from "../../../tools/doctor/checks/all.ts";
import { diagnose, exitCode, type Status } from "../../../tools/doctor/diagnose.ts";
import { makeFacts } from "../../../tools/doctor/facts/make-facts.ts";
import { isMeshed, nameOf } from "../../../tools/doctor/facts/meshed-pods.ts";
import type { DestinationRule } from "../../../tools/doctor/facts/objects.ts";
import { jsonReport } from "../../../tools/doctor/reports/json-report.ts";
import type { RefusedCreation, Snapshot, StoredInTeleport } from "../../../tools/doctor/snapshot.ts";
import { POD_GONE, type Read } from "../../../tools/programs/kube-api/read.ts";
import { tokenDocument } from "../../../tools/teleport/join/join-token.ts";
import { parseJwks } from "../../../tools/teleport/join/jwks.ts";
import { storedTokens } from "../../../tools/teleport/join/stored-token.ts";
import type { TeleportResource } from "../../../tools/teleport/resources.ts";
import { DEFAULTS } from "../../../tools/values/defaults.ts";
import { jwksBytes, rsaKey } from "../support/keys.ts";
import { healthySnapshot } from "./healthy-snapshot.ts";

/** A second authority of the same trust domain, and a certificate of it. */
const ROTATED = JSON.parse(readFileSync(new URL("rotated-authority.json", import.meta.url), "utf8")) as {
  root: string;
  leaf: string;
  serial: string;
};

const MINUTE = 60_000;

function value<T>(read: Read<T>): T {
  if (!read.ok) throw new Error(read.reason);
  return read.value;
}

function first<T>(items: readonly T[] | undefined): T {
  const [item] = items ?? [];
  if (item === undefined) throw new Error("the recorded snapshot lacks what this case changes");
  return item;
}

/** The first pod with a sidecar, which the recorded snapshot has proxies of. */
function sidecar(snapshot: Snapshot) {
  return first(value(snapshot.pods).filter((pod) => isMeshed(pod) && pod.spec.containers.length > 0 && !isAlone(pod)));
}

function isAlone(pod: { spec: { containers: { name: string }[] } }): boolean {
  return pod.spec.containers.every(({ name }) => name === "istio-proxy");
}

function proxyOf(snapshot: Snapshot) {
  const name = nameOf(sidecar(snapshot));
  return value(first(snapshot.proxies.filter(({ namespace, pod }) => `${namespace}/${pod}` === name)).secrets);
}

/** Lets tbot's container end; it waits to be started again. */
function endTbot(snapshot: Snapshot, terminated: { reason?: string; exitCode?: number }, lastWords: Read<string>) {
  const tbot = first(snapshot.tbotPods);
  tbot.lastWords = lastWords;
  const pod = first(value(snapshot.pods).filter(({ metadata }) => metadata.name === tbot.name));
  pod.status = {
    phase: "Running",
    conditions: [{ type: "Ready", status: "False" }],
    containerStatuses: [{ name: "tbot", state: {}, lastState: { terminated } }],
  };
}

/** As refusals.ts reads it from the log of Envoy. */
const REFUSAL =
  "fetching X509 SVIDs: workload identity failed evaluation: attributes did not pass rule evaluation: no matching rule found";

function refuse(snapshot: Snapshot, refusal: Read<string | undefined>) {
  const name = nameOf(sidecar(snapshot));
  first(snapshot.proxies.filter(({ namespace, pod }) => `${namespace}/${pod}` === name)).refusal = refusal;
}

/** The proxy of the test app's server, whose identity the rotated certificate has. */
function ofServer(snapshot: Snapshot) {
  const proxy = first(
    snapshot.proxies.filter(({ namespace, pod }) => namespace === "test-app" && /^server-/.test(pod)),
  );
  return { secrets: value(proxy.secrets) };
}

function proxyContainer(pod: ReturnType<typeof sidecar>) {
  const all = [...(pod.spec.initContainers ?? []), ...pod.spec.containers];
  return first(all.filter(({ name }) => name === "istio-proxy"));
}

function tbotPodSpec(snapshot: Snapshot) {
  return first(value(snapshot.tbotDaemonSets)).spec.template.spec;
}

/** Changes the YAML of tbot.yaml. */
function editTbot(snapshot: Snapshot, change: (config: Record<string, unknown> & { services: unknown[] }) => void) {
  const config = parse(value(snapshot.tbotConfig) ?? "");
  change(config);
  snapshot.tbotConfig = { ok: true, value: stringify(config) };
}

/** Changes the YAML in a key of one of Istio's ConfigMaps. */
function editIstio(snapshot: Snapshot, name: string, key: string, change: (config: Record<string, unknown>) => void) {
  const configMap = first(value(snapshot.istioConfigMaps).filter(({ metadata }) => metadata.name === name));
  const config = parse(configMap.data?.[key] ?? "");
  change(config);
  configMap.data = { ...configMap.data, [key]: stringify(config) };
}

const HOST_PATH_VOLUME = /hostPath:(\n +)path: "?\/run\/spire\/sockets"?\n +type: DirectoryOrCreate/;

/** What `render istio` prints in the socket mode csi. */
function injectCsi(snapshot: Snapshot) {
  editIstio(snapshot, "istio-sidecar-injector", "config", (config) => {
    const templates = config.templates as Record<string, string>;
    for (const [name, text] of Object.entries(templates)) {
      templates[name] = text.replace(HOST_PATH_VOLUME, "csi:$1driver: csi.spiffe.io$1readOnly: true");
    }
  });
}

/** As after the steps of docs/operate/csi.md, without istio-cni. */
function moveToCsi(snapshot: Snapshot) {
  injectCsi(snapshot);
  const daemonSet = structuredClone(first(value(snapshot.tbotDaemonSets)));
  daemonSet.metadata.name = "tbot-csi";
  daemonSet.spec.template.spec = {
    containers: [{ name: "spiffe-csi-driver", args: ["-plugin-name", "csi.spiffe.io"] }],
    volumes: [{ name: "socket", hostPath: { path: "/run/spire/sockets" } }],
  };
  snapshot.csiDaemonSets = { ok: true, value: [daemonSet] };
  for (const { spec } of value(snapshot.csiNodes)) spec.drivers = [{ name: "csi.spiffe.io" }];
  for (const pod of value(snapshot.pods)) {
    for (const volume of pod.spec.volumes ?? []) {
      if (pod.metadata.namespace === "teleport-system" || volume.name !== "workload-socket") continue;
      delete volume.hostPath;
      volume.csi = { driver: "csi.spiffe.io", readOnly: true };
    }
  }
  const { variables } = value(snapshot.admissionPolicy)?.spec ?? {};
  const accepted = variables?.find(({ name }) => name === "socketVolumes");
  if (accepted !== undefined) accepted.expression = "v.csi.driver == 'csi.spiffe.io'";
}

/** The move, but for the sidecar that was not restarted. */
function keepsHostPath(snapshot: Snapshot) {
  moveToCsi(snapshot);
  for (const volume of sidecar(snapshot).spec.volumes ?? []) {
    if (volume.csi === undefined) continue;
    delete volume.csi;
    volume.hostPath = { path: "/run/spire/sockets" };
  }
}

function enforce(snapshot: Snapshot, level: string) {
  const { namespace } = sidecar(snapshot).metadata;
  const { metadata } = first(value(snapshot.namespaces).filter((each) => each.metadata.name === namespace));
  metadata.labels = { ...metadata.labels, "pod-security.kubernetes.io/enforce": level };
}

/** As refused-creations.ts reads it. */
function refuseCreation(snapshot: Snapshot, changes: Partial<RefusedCreation>) {
  const message =
    "pods \"web-\" is forbidden: ValidatingAdmissionPolicy 'istio-teleport-workload-identity' denied request";
  value(snapshot.refusedCreations).push({
    kind: "ReplicaSet",
    namespace: "test-app",
    name: "web-5d",
    message,
    ...changes,
  });
}

/** Gives the pod's own container a volume at /own. */
function mountInApp(pod: ReturnType<typeof sidecar>, volume: object, mount: object) {
  pod.spec.volumes?.push({ name: "own", ...volume });
  first(pod.spec.containers).volumeMounts?.push({ name: "own", mountPath: "/own", ...mount });
}

/** The sidecar's container ended and is started again and again. */
function crash(snapshot: Snapshot, lastWords: Read<string>, annotations: Record<string, string> = {}) {
  const pod = sidecar(snapshot);
  pod.metadata.annotations = { ...pod.metadata.annotations, ...annotations };
  pod.status.initContainerStatuses = [
    {
      name: "istio-proxy",
      ready: false,
      state: { waiting: { reason: "CrashLoopBackOff" } },
      lastState: { terminated: { reason: "Error", exitCode: 1 } },
    },
  ];
  const name = nameOf(pod);
  const proxy = first(snapshot.proxies.filter((each) => `${each.namespace}/${each.pod}` === name));
  proxy.secrets = { ok: false, reason: "connection refused" };
  proxy.lastWords = lastWords;
}

/** One of Istio's containers before the sidecar ends instead. */
function crashBefore(snapshot: Snapshot, name: string, lastWords: string) {
  crash(snapshot, { ok: true, value: lastWords });
  const pod = sidecar(snapshot);
  const waiting = { name: "istio-proxy", ready: false, state: { waiting: { reason: "PodInitializing" } } };
  pod.status.initContainerStatuses = [{ ...first(pod.status.initContainerStatuses), name }, waiting];
}

/** Adds a DestinationRule of the meshed namespace test-app. */
function addRule(snapshot: Snapshot, spec: DestinationRule["spec"], namespace = "test-app") {
  value(snapshot.destinationRules).push({ metadata: { name: "rule", namespace }, ...(spec && { spec }) });
}

function labelDefaults(snapshot: Snapshot, name: string, creationTimestamp: string) {
  const { namespace } = first(value(snapshot.istiods)).metadata;
  const labels = { "gateway.istio.io/defaults-for-class": "istio" };
  value(snapshot.istioConfigMaps).push({ metadata: { name, namespace, labels, creationTimestamp } });
}

/** Lets time pass: the cluster lives on, the certificates stay. */
function pass(snapshot: Snapshot, milliseconds: number) {
  snapshot.takenAt = { ok: true, value: value(snapshot.takenAt) + milliseconds };
  for (const { spec } of value(snapshot.nodeLeases)) {
    if (spec?.renewTime) spec.renewTime = new Date(Date.parse(spec.renewTime) + milliseconds).toISOString();
  }
}

/** The join token that fits the snapshot, with these keys or the cluster's own. */
function giveToken(snapshot: Snapshot, { jwks, text = (yaml) => yaml }: TokenChange = {}) {
  const own = value(snapshot.jwks);
  const yaml = tokenDocument(
    {
      tokenName: (parse(value(snapshot.tbotConfig) ?? "") as { onboarding: { token: string } }).onboarding.token,
      botName: "istio-tbot",
      serviceAccounts: ["teleport-system:tbot"],
      means: { type: "static_jwks", keys: parseJwks(Buffer.from(jwks ?? own), "the test") },
    },
    "yaml",
  );
  snapshot.joinTokens = storedTokens(text(yaml), "the test");
}

/** What tctl reads of Teleport; by default all is as it should be. */
function askTeleport(snapshot: Snapshot, change: Partial<StoredInTeleport> = {}) {
  giveToken(snapshot);
  const joinTokens = snapshot.joinTokens ?? [];
  delete snapshot.joinTokens;
  snapshot.teleport = {
    status: { ok: true, value: { clusterName: "lab.teleport.example", version: "18.11.1" } },
    joinTokens: { ok: true, value: joinTokens },
    resources: { ok: true, value: [RESOURCE, { ...RESOURCE, kind: "bot", name: "istio-tbot" }] },
    ...change,
  };
}

const RESOURCE: TeleportResource = {
  kind: "role",
  name: "istio-workload-identity-issuer",
  yaml: "",
  state: "same",
  differences: [],
  narrowed: [],
};

const resource = (change: Partial<TeleportResource>): Partial<StoredInTeleport> => ({
  resources: { ok: true, value: [{ ...RESOURCE, ...change }] },
});

interface TokenChange {
  jwks?: Buffer;
  text?: (yaml: string) => string;
}

function policy(snapshot: Snapshot) {
  return first(value(snapshot.authorizationPolicies).filter(({ spec }) => spec?.rules?.[0]?.from !== undefined));
}

function sourceOf(snapshot: Snapshot) {
  const source = policy(snapshot).spec?.rules?.[0]?.from?.[0]?.source;
  if (source === undefined) throw new Error("no source");
  return source;
}

/** One way to break the mesh: the check that must say so, and how. */
interface Case {
  id: string;
  how: string;
  status?: Status;
  evidence: string | RegExp;
  /** Other checks that must name it, too: what one change does to several hand-offs. */
  also?: readonly string[];
  break(snapshot: Snapshot): void;
}

const CASES: readonly Case[] = [
  {
    id: "kubernetes-version",
    how: "an API server of 1.26",
    evidence: "it is v1.26.3",
    break: (s) => {
      s.kubernetesVersion = { ok: true, value: "v1.26.3" };
      // What 1.26 has no admission policy of is another check's business.
      s.admissionPolicy = { ok: true, value: undefined };
    },
  },
  {
    id: "clocks",
    how: "a node that is 5 minutes ahead",
    evidence: "its clock is 300 s ahead of the API server's",
    break: (s) => {
      first(s.tbotPods).clockAhead = { ok: true, value: 5 * MINUTE };
    },
  },
  {
    id: "clocks",
    how: "a node whose heartbeat is 5 minutes old though it is Ready, and tbot does not answer",
    evidence: /its clock is 30\d s behind/,
    break: (s) => {
      for (const tbot of s.tbotPods) tbot.clockAhead = { ok: false, reason: "x" };
      const lease = first(value(s.nodeLeases));
      lease.spec = { renewTime: new Date(value(s.takenAt) - 5 * MINUTE - 4000).toISOString() };
    },
  },
  {
    id: "tbot-nodes",
    how: "a tbot that is not ready",
    evidence: "is not ready",
    break: (s) => {
      const name = first(s.tbotPods).name;
      const pod = first(value(s.pods).filter(({ metadata }) => metadata.name === name));
      pod.status = { phase: "Running", conditions: [{ type: "Ready", status: "False" }] };
    },
  },
  {
    id: "tbot-nodes",
    how: "a tbot that may not join",
    evidence:
      /is not ready, \d+ meshed pods? there; its container ended \(Error, exit code 1\): joining with token: no$/,
    break: (s) => endTbot(s, { reason: "Error", exitCode: 1 }, { ok: true, value: "joining with token: no" }),
  },
  {
    id: "tbot-nodes",
    how: "a node that lost its power",
    evidence: "the node itself is not Ready",
    break: (s) => {
      const tbot = first(s.tbotPods);
      const pod = first(value(s.pods).filter(({ metadata }) => metadata.name === tbot.name));
      pod.status = { phase: "Running", conditions: [{ type: "Ready", status: "False" }] };
      const node = first(value(s.nodes).filter(({ metadata }) => metadata.name === tbot.node));
      node.status.conditions = [{ type: "Ready", status: "Unknown" }];
    },
  },
  {
    id: "tbot-nodes",
    how: "meshed pods on a node without tbot",
    evidence: /no pod of tbot, \d+ meshed pods? there/,
    break: (s) => {
      sidecar(s).spec.nodeName = "lonely";
    },
  },
  {
    id: "tbot-config",
    how: "attestor in place of attestors",
    evidence: "attestor",
    break: (s) =>
      editTbot(s, ({ services }) => {
        const service = services[0] as Record<string, unknown>;
        service.attestor = service.attestors;
        service.attestors = undefined;
      }),
  },
  {
    id: "tbot-version",
    how: "tbot 18.9",
    evidence: "it is 18.9.2",
    break: (s) => {
      for (const tbot of s.tbotPods) tbot.version = { ok: true, value: "18.9.2" };
      s.teleportVersion = { ok: true, value: "18.11.1" };
    },
  },
  {
    id: "tbot-version",
    how: "a digest, and no metrics",
    status: "unknown",
    evidence: "neither its metrics nor its image tell the version",
    break: (s) => {
      for (const tbot of s.tbotPods) tbot.version = { ok: false, reason: "x" };
      first(tbotPodSpec(s).containers).image = "registry.example/tbot@sha256:abc";
    },
  },
  {
    id: "teleport-version",
    how: "a cluster one major older than tbot",
    evidence: "the cluster 17.7.0",
    break: (s) => {
      for (const tbot of s.tbotPods) tbot.version = { ok: true, value: "18.11.1" };
      s.teleportVersion = { ok: true, value: "17.7.0" };
    },
  },
  {
    id: "tbot-token",
    how: "another audience",
    evidence: 'its audience is "other.example"',
    break: (s) => {
      for (const volume of tbotPodSpec(s).volumes ?? []) {
        for (const { serviceAccountToken: token } of volume.projected?.sources ?? []) {
          if (token) token.audience = "other.example";
        }
      }
    },
  },
  {
    id: "tbot-token",
    how: "a life of an hour",
    evidence: "it lives 3600 s",
    break: (s) => {
      for (const volume of tbotPodSpec(s).volumes ?? []) {
        for (const { serviceAccountToken: token } of volume.projected?.sources ?? []) {
          if (token) token.expirationSeconds = 3600;
        }
      }
    },
  },
  {
    id: "join-token",
    how: "another ServiceAccount allowed",
    evidence: 'spec.kubernetes.allow "teleport-system:tbot": it may not join',
    break: (s) => giveToken(s, { text: (yaml) => yaml.replace("teleport-system:tbot", "other:tbot") }),
  },
  {
    id: "join-token",
    how: "a token of another name",
    evidence: "tbot.yaml names the token",
    break: (s) => giveToken(s, { text: (yaml) => yaml.replace(/name: "?istio-tbot-k8s-join"?/, "name: other") }),
  },
  {
    id: "join-token",
    how: "Teleport has none of this name",
    evidence: "Teleport has none of this name, so that tbot cannot join",
    break: (s) => askTeleport(s, { joinTokens: { ok: true, value: [] } }),
  },
  {
    id: "teleport-resources",
    how: "somebody changed the role",
    evidence: 'it is not what the values make: spec.options.max_session_ttl is "24h0m0s", not "1h0m0s"',
    break: (s) =>
      askTeleport(
        s,
        resource({ state: "changed", differences: ['spec.options.max_session_ttl is "24h0m0s", not "1h0m0s"'] }),
      ),
  },
  {
    id: "teleport-resources",
    how: "a role of somebody else's",
    evidence: "it grants other things than ours would",
    break: (s) => askTeleport(s, resource({ state: "other", differences: ["spec.allow.rules is not set, not []"] })),
  },
  {
    id: "teleport-resources",
    how: "somebody denies in a role what it grants",
    status: "warning",
    evidence: "somebody narrowed it, so that certificates may be refused: spec.deny.rules is [{}]",
    break: (s) => askTeleport(s, resource({ narrowed: ["spec.deny.rules is [{}]"] })),
  },
  ...(["role", "bot", "workload_identity"] as const).map(
    (kind): Case => ({
      id: "teleport-resources",
      how: `no ${kind}`,
      evidence: "Teleport has none of this name, so that",
      break: (s) => askTeleport(s, resource({ kind, state: "absent" })),
    }),
  ),
  {
    id: "teleport-resources",
    how: "tctl is logged in to another cluster, whose tokens and resources nobody means",
    evidence: 'it is logged in to the cluster "dev.example", and global.teleport.clusterName is "lab.teleport.example"',
    break: (s) =>
      askTeleport(s, {
        ...resource({ state: "absent" }),
        status: { ok: true, value: { clusterName: "dev.example", version: "18.11.1" } },
        joinTokens: { ok: true, value: [] },
      }),
  },
  {
    id: "token-keys",
    how: "only another cluster's key",
    evidence: "missing key",
    break: (s) => giveToken(s, { jwks: jwksBytes(rsaKey("other").jwk) }),
  },
  {
    id: "token-keys",
    how: "keys that nobody can read",
    evidence: "tbot cannot join",
    break: (s) => {
      giveToken(s);
      for (const token of s.joinTokens ?? []) token.jwks = '{"keys": [{"kty": ';
    },
  },
  {
    id: "token-keys",
    how: "another key under the same kid",
    evidence: "another key under this kid",
    break: (s) => {
      const { kid } = first((JSON.parse(value(s.jwks)) as { keys: { kid: string }[] }).keys);
      giveToken(s, { jwks: jwksBytes(rsaKey(kid).jwk) });
    },
  },
  {
    id: "token-keys",
    how: "a cloud that changes its keys by itself",
    status: "warning",
    evidence: "EKS signs with other keys",
    break: (s) => {
      giveToken(s);
      s.issuer = "https://oidc.eks.eu-west-1.amazonaws.com/id/A";
    },
  },
  {
    id: "token-keys",
    how: "a second published key that the token lacks",
    status: "warning",
    evidence: "missing key",
    break: (s) => {
      giveToken(s);
      const { keys } = JSON.parse(value(s.jwks)) as { keys: unknown[] };
      s.jwks = { ok: true, value: jwksBytes(...keys, rsaKey("next").jwk).toString() };
    },
  },
  {
    id: "tbot-health",
    how: "renewals that fail",
    evidence: "its service identity is unhealthy: joining with token",
    break: (s) => {
      const ready = value(first(s.tbotPods).ready);
      ready.services.identity = { status: "unhealthy", reason: "joining with token" };
    },
  },
  {
    id: "tbot-health",
    how: "no right to ask tbot",
    status: "unknown",
    evidence: 'permission missing: pods "tbot" is forbidden',
    break: (s) => {
      first(s.tbotPods).ready = { ok: false, reason: 'permission missing: pods "tbot" is forbidden' };
    },
  },
  {
    id: "injection-template",
    how: "a template that is not among the default ones",
    evidence: "is not among the defaultTemplates",
    break: (s) =>
      editIstio(s, "istio-sidecar-injector", "config", (config) => {
        config.defaultTemplates = ["sidecar"];
      }),
  },
  {
    id: "injection-template",
    how: "a writable mount",
    evidence: "does not mount it read-only",
    break: (s) =>
      editIstio(s, "istio-sidecar-injector", "config", (config) => {
        const templates = config.templates as Record<string, string>;
        for (const name of Object.keys(templates)) {
          templates[name] = (templates[name] ?? "").replaceAll("readOnly: true", "");
        }
      }),
  },
  {
    id: "socket-path",
    how: "another file name than Istio's agent looks for",
    evidence: "its proxies look for the file socket, and tbot's socket is called workload.sock",
    break: (s) =>
      editTbot(s, ({ services }) => {
        const service = services[0] as { listen: string };
        service.listen = service.listen.replace(/[^/]+$/, "workload.sock");
      }),
  },
  {
    id: "proxy-mount",
    how: "a pod that was injected before the template",
    evidence: "it was injected before istiod had the template",
    break: (s) => {
      const pod = sidecar(s);
      pod.spec.volumes = (pod.spec.volumes ?? []).filter(({ hostPath }) => hostPath === undefined);
    },
  },
  {
    id: "proxy-mount",
    how: "a sidecar with a writable mount",
    evidence: "it mounts the directory writable",
    break: (s) => {
      for (const mount of proxyContainer(sidecar(s)).volumeMounts ?? []) mount.readOnly = false;
    },
  },
  {
    id: "gateway-mount",
    how: "a gateway without our template",
    evidence: "its proxy does not mount",
    break: (s) => {
      const pod = sidecar(s);
      pod.spec.containers = [{ ...proxyContainer(pod), volumeMounts: [] }];
      pod.spec.initContainers = [];
      pod.metadata.annotations = { "inject.istio.io/templates": "gateway" };
    },
  },
  {
    id: "gateway-mount",
    how: "a gateway of the Gateway API without our ConfigMap",
    evidence: "it is a gateway of the Gateway API",
    break: (s) => {
      const pod = sidecar(s);
      pod.spec.containers = [{ ...proxyContainer(pod), volumeMounts: [] }];
      pod.spec.initContainers = [];
      pod.metadata.labels = { ...pod.metadata.labels, "gateway.networking.k8s.io/gateway-name": "public" };
    },
  },
  {
    id: "csi-driver",
    how: "an istiod that injects a driver which the chart did not install",
    evidence: "mounts a volume of the CSI driver csi.spiffe.io, and the chart has installed none",
    // The policy of this mesh refuses such pods as well.
    also: ["admission-policy"],
    break: (s) => injectCsi(s),
  },
  {
    id: "csi-driver",
    how: "a kubelet with which the driver is not registered",
    evidence: "its kubelet knows no CSI driver csi.spiffe.io",
    break: (s) => {
      moveToCsi(s);
      for (const { spec } of value(s.csiNodes)) spec.drivers = [{ name: "ebs.csi.aws.com" }];
    },
  },
  {
    id: "csi-driver",
    how: "a node of tbot whose kubelet has registered no driver at all",
    evidence: "its kubelet knows no CSI driver csi.spiffe.io",
    break: (s) => {
      moveToCsi(s);
      s.csiNodes = { ok: true, value: [] };
    },
  },
  {
    id: "csi-driver",
    how: "a driver that mounts another directory than tbot's",
    evidence: "it does not mount /run/spire/sockets",
    break: (s) => {
      moveToCsi(s);
      for (const volume of first(value(s.csiDaemonSets)).spec.template.spec.volumes ?? []) {
        volume.hostPath = { path: "/run/elsewhere" };
      }
    },
  },
  {
    id: "proxy-mount",
    how: "a pod that keeps its hostPath while new ones get the CSI driver's volume",
    status: "warning",
    evidence: "it still mounts /run/spire/sockets as a hostPath",
    break: keepsHostPath,
  },
  {
    id: "proxy-mount",
    how: "a gateway that keeps its hostPath while new pods get the CSI driver's volume",
    status: "warning",
    evidence: "it still mounts /run/spire/sockets as a hostPath",
    break: (s) => {
      keepsHostPath(s);
      const pod = sidecar(s);
      pod.spec.containers = [proxyContainer(pod)];
      pod.spec.initContainers = [];
    },
  },
  {
    id: "proxy-mount",
    how: "a pod that names our template and keeps its hostPath",
    status: "warning",
    evidence: "it still mounts /run/spire/sockets as a hostPath",
    break: (s) => {
      keepsHostPath(s);
      sidecar(s).metadata.annotations = { "inject.istio.io/templates": "sidecar,teleport" };
    },
  },
  {
    id: "proxy-mount",
    how: "on the way back, a pod that the kubelet could not end without the driver",
    status: "warning",
    evidence: "it still mounts a volume of the CSI driver csi.spiffe.io, and new pods get a hostPath",
    break: (s) => {
      const before = healthySnapshot();
      moveToCsi(s);
      s.istioConfigMaps = before.istioConfigMaps;
      s.admissionPolicy = before.admissionPolicy;
      const kept = nameOf(sidecar(s));
      s.pods = before.pods;
      const pod = first(value(s.pods).filter((each) => nameOf(each) === kept));
      for (const volume of pod.spec.volumes ?? []) {
        if (volume.name !== "workload-socket") continue;
        delete volume.hostPath;
        volume.csi = { driver: "csi.spiffe.io", readOnly: true };
      }
    },
  },
  {
    id: "proxy-mount",
    how: "a container that mounts the hostPath for itself while the policy will refuse it",
    status: "warning",
    evidence: "it still mounts /run/spire/sockets as a hostPath",
    break: (s) => {
      moveToCsi(s);
      sidecar(s).spec.volumes?.push({ name: "own", hostPath: { path: "/run/spire/sockets" } });
    },
  },
  {
    id: "admission-policy",
    how: "a policy that refuses the volume which istiod injects",
    evidence: "istiod default injects volumes of the CSI driver csi.spiffe.io, which the policy refuses",
    break: (s) => {
      moveToCsi(s);
      const { variables } = value(s.admissionPolicy)?.spec ?? {};
      first((variables ?? []).filter(({ name }) => name === "socketVolumes")).expression = "v.hostPath";
    },
  },
  {
    id: "pod-security",
    how: "a meshed namespace at restricted, with the CSI driver but without istio-cni",
    evidence: "refuses NET_ADMIN, which istio-init needs",
    break: (s) => {
      moveToCsi(s);
      enforce(s, "restricted");
    },
  },
  {
    id: "gateway-api",
    how: "a gateway whose pods admission refuses",
    evidence: 'its pods are refused: pods "public-1" is forbidden',
    break: (s) => {
      labelDefaults(s, "istio-teleport-gateway-api", "2026-01-01T00:00:00Z");
      const deployment = structuredClone(first(value(s.istiods)));
      deployment.metadata = { name: "public-istio", namespace: "ingress" };
      deployment.status = {
        conditions: [
          { type: "ReplicaFailure", status: "True", reason: "FailedCreate", message: 'pods "public-1" is forbidden' },
        ],
      };
      value(s.gatewayDeployments).push(deployment);
    },
  },
  {
    id: "gateway-api",
    how: "no ConfigMap that gives such gateways the socket",
    evidence: "it has no ConfigMap labelled gateway.istio.io/defaults-for-class: istio",
    break: (s) => value(s.gatewayDeployments).push(structuredClone(first(value(s.istiods)))),
  },
  {
    id: "gateway-api",
    how: "an older ConfigMap of somebody else's, which istiod takes",
    evidence: "istiod takes the oldest ConfigMap labelled",
    break: (s) => {
      value(s.gatewayDeployments).push(structuredClone(first(value(s.istiods))));
      labelDefaults(s, "istio-teleport-gateway-api", "2026-01-02T00:00:00Z");
      labelDefaults(s, "platform-defaults", "2026-01-01T00:00:00Z");
    },
  },
  {
    id: "gateway-api",
    how: "the Events of such a gateway's ReplicaSet, which pod-creation leaves to it",
    evidence: 'its pods are refused: pods "public-1" is forbidden',
    break: (s) => {
      labelDefaults(s, "istio-teleport-gateway-api", "2026-01-01T00:00:00Z");
      const deployment = structuredClone(first(value(s.istiods)));
      const message = 'pods "public-1" is forbidden';
      deployment.metadata = { name: "public-istio", namespace: "test-app" };
      deployment.status = { conditions: [{ type: "ReplicaFailure", status: "True", message }] };
      value(s.gatewayDeployments).push(deployment);
      refuseCreation(s, { owner: { kind: "Deployment", name: "public-istio" } });
    },
  },
  {
    id: "pod-creation",
    how: "a Deployment whose pods the admission policy refuses",
    evidence: /^its pods are refused: pods "web-" is forbidden: .*istio-teleport-workload-identity/,
    break: (s) => refuseCreation(s, { owner: { kind: "Deployment", name: "web" } }),
  },
  {
    id: "pod-creation",
    how: "a pod of tbot that the quota of its namespace refuses",
    evidence: "its pods are refused: pods is forbidden: exceeded quota: few",
    break: (s) =>
      refuseCreation(s, {
        kind: "DaemonSet",
        namespace: "teleport-system",
        message: "pods is forbidden: exceeded quota: few",
      }),
  },
  {
    id: "pod-restart",
    how: "a pod that is older than the policy and mounts the node's logs",
    evidence: "the policy refuses it at its next start: it mounts the hostPath /var/log, which is not allowed",
    break: (s) => mountInApp(sidecar(s), { hostPath: { path: "/var/log" } }, {}),
  },
  {
    id: "pod-restart",
    how: "a pod without a proxy in a meshed namespace that mounts the node's devices",
    evidence: "it mounts the hostPath /dev, which is not allowed",
    // That it has no proxy is a warning.
    also: ["opted-out"],
    break: (s) => {
      const { namespace } = sidecar(s).metadata;
      value(s.pods).push({
        metadata: { name: "plugin", namespace },
        spec: {
          nodeName: first(s.tbotPods).node,
          hostNetwork: true,
          containers: [{ name: "app", volumeMounts: [{ name: "dev", mountPath: "/dev" }] }],
          volumes: [{ name: "dev", hostPath: { path: "/dev" } }],
        },
        status: { phase: "Running" },
      });
    },
  },
  {
    id: "pod-restart",
    how: "a container that mounts the socket's directory with a subPath",
    evidence: "it mounts /run/spire/sockets with a subPath at /own",
    break: (s) =>
      mountInApp(sidecar(s), { hostPath: { path: "/run/spire/sockets" } }, { readOnly: true, subPath: "x" }),
  },
  {
    id: "opted-out",
    how: "a pod that chooses Istio's own template",
    evidence: 'its annotation inject.istio.io/templates is "sidecar"',
    break: (s) => {
      const pod = sidecar(s);
      pod.metadata.annotations = { ...pod.metadata.annotations, "inject.istio.io/templates": "sidecar" };
      pod.spec.volumes = [];
    },
  },
  {
    id: "opted-out",
    how: "a pod that is not injected",
    status: "warning",
    evidence: "its label sidecar.istio.io/inject is false",
    break: (s) => {
      const { namespace } = sidecar(s).metadata;
      value(s.pods).push({
        metadata: { name: "plain", namespace, labels: { "sidecar.istio.io/inject": "false" } },
        spec: { nodeName: first(s.tbotPods).node, containers: [{ name: "app" }] },
        status: { phase: "Running" },
      });
    },
  },
  {
    id: "socket-writers",
    how: "SPIRE's agent in the same directory",
    evidence: "it mounts /var/run/spire/sockets/ writable",
    break: (s) => {
      value(s.pods).push({
        metadata: { name: "spire-agent", namespace: "spire" },
        spec: {
          nodeName: first(s.tbotPods).node,
          containers: [{ name: "agent", volumeMounts: [{ name: "sockets", mountPath: "/run/spire/sockets" }] }],
          volumes: [{ name: "sockets", hostPath: { path: "/var/run/spire/sockets/" } }],
        },
        status: { phase: "Running" },
      });
    },
  },
  {
    id: "socket-writers",
    how: "a pod that has tbot's labels and not its namespace, by the root directory of a process, and is being deleted",
    evidence: "it mounts /proc/1/root/run/spire/sockets writable",
    break: (s) => {
      value(s.pods).push({
        metadata: {
          name: "tbot",
          namespace: "tenant",
          deletionTimestamp: "2030-01-01T00:00:00Z",
          labels: { ...first(value(s.tbotDaemonSets)).spec.template.metadata?.labels },
        },
        spec: {
          nodeName: first(s.tbotPods).node,
          containers: [{ name: "tbot", volumeMounts: [{ name: "x", mountPath: "/x" }] }],
          volumes: [{ name: "x", hostPath: { path: "/proc/1/root/run/spire/sockets" } }],
        },
        status: { phase: "Running" },
      });
    },
  },
  {
    id: "socket-writers",
    how: "an ephemeral container that mounts the sidecar's volume",
    evidence: "writable and may serve a socket of its own",
    break: (s) => {
      sidecar(s).spec.ephemeralContainers = [
        { name: "debug", volumeMounts: [{ name: "workload-socket", mountPath: "/x" }] },
      ];
    },
  },
  {
    id: "socket-writers",
    how: "a proxy that mounts the directory a second time",
    evidence: "writable and may serve a socket of its own",
    break: (s) => {
      proxyContainer(sidecar(s)).volumeMounts?.push({ name: "workload-socket", mountPath: "/x" });
    },
  },
  {
    id: "admission-policy",
    how: "no policy",
    evidence: "there is no ValidatingAdmissionPolicy",
    break: (s) => {
      s.admissionPolicy = { ok: true, value: undefined };
    },
  },
  {
    id: "admission-policy",
    how: "a binding that only audits",
    evidence: "does not deny",
    break: (s) => {
      const binding = value(s.admissionBinding);
      if (binding) binding.spec.validationActions = ["Audit"];
    },
  },
  {
    id: "pod-security",
    how: "a meshed namespace at baseline",
    evidence: "it enforces baseline",
    break: (s) => enforce(s, "baseline"),
  },
  {
    id: "kubelet-rights",
    how: "no right at all",
    evidence: "neither nodes/pods nor nodes/proxy",
    break: (s) => {
      s.kubeletRights = { pods: { ok: true, value: false }, proxy: { ok: true, value: false } };
    },
  },
  {
    id: "kubelet-rights",
    how: "nodes/pods, and a kubelet of 1.32",
    evidence: "(before 1.33) do not ask for",
    break: (s) => {
      first(value(s.nodes)).status.nodeInfo.kubeletVersion = "v1.32.9";
      s.kubeletRights = { pods: { ok: true, value: true }, proxy: { ok: true, value: false } };
    },
  },
  {
    id: "kubelet-certificate",
    how: "a kubelet whose certificate nobody signed",
    evidence: "x509: certificate signed by unknown authority",
    break: (s) => {
      first(s.tbotPods).complaints = {
        ok: true,
        value: [
          {
            message: "Failed to perform Kubernetes workload attestation",
            error:
              'listing all pods: performing request: Get "https://10.0.0.1:10250/pods": tls: failed to verify certificate: x509: certificate signed by unknown authority',
          },
        ],
      };
    },
  },
  {
    id: "attestation",
    how: "a kubelet that refuses tbot",
    evidence: 'tbot\'s log, 1 time: pod "1f" not found',
    break: (s) => {
      first(s.tbotPods).complaints = {
        ok: true,
        value: [{ message: "Failed to perform Kubernetes workload attestation", error: 'pod "1f" not found' }],
      };
    },
  },
  {
    id: "trust-domain",
    how: "Istio's default",
    evidence: "its trust domain is cluster.local",
    break: (s) =>
      editIstio(s, "istio", "mesh", (mesh) => {
        mesh.trustDomain = "cluster.local";
      }),
  },
  {
    id: "istiod-ca",
    how: "certificates of a day",
    evidence: "it does not set MAX_WORKLOAD_CERT_TTL to 1ms",
    break: (s) => {
      const { containers } = first(value(s.istiods)).spec.template.spec;
      for (const { env } of containers) {
        for (const variable of env ?? []) if (variable.name === "MAX_WORKLOAD_CERT_TTL") variable.value = "24h";
      }
    },
  },
  {
    id: "proxy-start",
    how: "a sidecar whose pod overrides the socket's name",
    evidence:
      "its istio-proxy does not run (CrashLoopBackOff); it said last: agent configured for non-default SDS socket path; its annotation proxy.istio.io/config overrides the mesh's: proxyMetadata.WORKLOAD_IDENTITY_SOCKET_FILE",
    break: (s) =>
      crash(
        s,
        { ok: true, value: "agent configured for non-default SDS socket path" },
        { "proxy.istio.io/config": "proxyMetadata:\n  WORKLOAD_IDENTITY_SOCKET_FILE: other\n" },
      ),
  },
  {
    id: "proxy-start",
    how: "a sidecar whose pod has secrets in its proxy's configuration, by their names alone",
    evidence: "overrides the mesh's: tracing.lightstep.accessToken, proxyMetadata.PASSWORD",
    break: (s) =>
      crash(
        s,
        { ok: true, value: "" },
        {
          "proxy.istio.io/config":
            "tracing: {lightstep: {accessToken: hunter2}}\nproxyMetadata:\n  PASSWORD: |\n    hunter2\n",
        },
      ),
  },
  {
    id: "proxy-start",
    how: "a sidecar whose image is not there",
    evidence: "its istio-proxy does not run (ImagePullBackOff)",
    break: (s) => {
      crash(s, { ok: true, value: "" });
      const status = first(sidecar(s).status.initContainerStatuses);
      status.state = { waiting: { reason: "ImagePullBackOff" } };
      delete status.lastState;
    },
  },
  {
    id: "proxy-start",
    how: "an istio-init that may not change the network",
    evidence: "its istio-init does not run (CrashLoopBackOff); it said last: iptables: Permission denied",
    break: (s) => crashBefore(s, "istio-init", "iptables: Permission denied (you must be root)"),
  },
  {
    id: "proxy-start",
    how: "a pod whose network istio-cni has not set up",
    evidence: "its istio-validation does not run (CrashLoopBackOff); it said last: iptables validation failed",
    break: (s) => crashBefore(s, "istio-validation", "iptables validation failed; workload is not ready for Istio"),
  },
  {
    id: "proxy-certificate",
    how: "an Envoy that waits",
    evidence: "Envoy waits for its certificate",
    break: (s) => {
      proxyOf(s).chain = [];
    },
  },
  {
    id: "proxy-certificate",
    how: "an Envoy that waits, since Teleport refuses",
    evidence:
      /^Envoy waits for its certificate \(default\); Envoy's log: fetching X509 SVIDs: .*: no matching rule found$/,
    break: (s) => {
      proxyOf(s).chain = [];
      refuse(s, { ok: true, value: REFUSAL });
    },
  },
  {
    id: "proxy-certificate",
    how: "an Envoy that keeps an old certificate",
    evidence: "and still uses 0badc0de",
    break: (s) => {
      proxyOf(s).serialsInUse = ["0badc0de"];
    },
  },
  {
    id: "proxy-certificate",
    how: "a proxy that cannot be asked",
    status: "unknown",
    evidence: "permission missing",
    break: (s) => {
      first(s.proxies).secrets = { ok: false, reason: "permission missing" };
    },
  },
  {
    id: "proxy-issuer",
    how: "an authority that is istiod's",
    evidence: "it was signed by istiod's CA",
    break: (s) => {
      const own = first(proxyOf(s).roots);
      const configMap = first(
        value(s.istioConfigMaps).filter(({ metadata }) => metadata.name === "istio-ca-root-cert"),
      );
      configMap.data = { "root-cert.pem": own };
    },
  },
  {
    id: "proxy-issuer",
    how: "an authority that is nobody's",
    evidence: "neither Teleport's authority nor istiod's",
    break: (s) => {
      const { secrets } = ofServer(s);
      secrets.chain = [ROTATED.leaf];
      secrets.serialsInUse = [ROTATED.serial];
    },
  },
  {
    id: "proxy-identity",
    how: "a certificate of another service account",
    evidence: /it is spiffe:.*, and Istio expects .*\/sa\/somebody-else/,
    break: (s) => {
      sidecar(s).spec.serviceAccountName = "somebody-else";
    },
  },
  {
    id: "trust-roots",
    how: "a proxy that is ahead of the others in a rotation",
    evidence: "do not trust it",
    break: (s) => {
      const { secrets } = ofServer(s);
      secrets.chain = [ROTATED.leaf];
      secrets.serialsInUse = [ROTATED.serial];
      secrets.roots.push(ROTATED.root);
    },
  },
  {
    id: "strict-mtls",
    how: "no PeerAuthentication",
    evidence: "no PeerAuthentication says STRICT",
    break: (s) => {
      s.peerAuthentications = { ok: true, value: [] };
    },
  },
  {
    id: "strict-mtls",
    how: "a permissive port of a policy that is not ours",
    evidence: "has mode PERMISSIVE on port 8080",
    break: (s) => {
      const { namespace, labels = {} } = sidecar(s).metadata;
      value(s.peerAuthentications).push({
        metadata: { name: "open", namespace },
        spec: { selector: { matchLabels: labels }, portLevelMtls: { 8080: { mode: "PERMISSIVE" } } },
      });
    },
  },
  {
    id: "destination-rules",
    how: "plaintext for a host of the mesh",
    evidence: "tls.mode DISABLE for server: callers send plaintext",
    break: (s) => addRule(s, { host: "server", trafficPolicy: { tls: { mode: "DISABLE" } } }),
  },
  {
    id: "destination-rules",
    how: "plaintext in a mesh whose values are PERMISSIVE, as docs/operate/leaving.md has it",
    status: "warning",
    evidence: "tls.mode DISABLE for *.local: callers send plaintext",
    break: (s) => {
      s.intended = structuredClone(DEFAULTS);
      Object.assign(s.intended.global.teleport, { clusterName: "lab.teleport.example" });
      s.intended.mesh.mtls.mode = "PERMISSIVE";
      addRule(s, { host: "*.local", trafficPolicy: { tls: { mode: "DISABLE" } } });
    },
  },
  {
    id: "destination-rules",
    how: "one-way TLS on a port of a subset",
    evidence:
      "subset v1: port 8080: tls.mode SIMPLE for server.test-app.svc.cluster.local: callers present no certificate",
    break: (s) =>
      addRule(s, {
        host: "server.test-app.svc.cluster.local",
        subsets: [
          { name: "v1", trafficPolicy: { portLevelSettings: [{ port: { number: 8080 }, tls: { mode: "SIMPLE" } }] } },
        ],
      }),
  },
  {
    id: "destination-rules",
    how: "names of another trust domain",
    evidence: "tls.subjectAltNames for server names spiffe://old.example/ns/test-app/sa/server",
    break: (s) =>
      addRule(s, {
        host: "server",
        trafficPolicy: {
          tls: { mode: "ISTIO_MUTUAL", subjectAltNames: ["spiffe://old.example/ns/test-app/sa/server"] },
        },
      }),
  },
  {
    id: "policy-wildcards",
    how: "everybody who has a certificate",
    status: "warning",
    evidence: "the principal * matches everybody with a certificate of every trust domain",
    break: (s) => {
      sourceOf(s).principals = ["*"];
    },
  },
  {
    id: "destination-rules",
    how: "plaintext for all, where the cluster's domain is another one, in the root namespace",
    evidence: "tls.mode DISABLE for *.svc.example.org: callers send plaintext",
    break: (s) =>
      addRule(s, { host: "*.svc.example.org", trafficPolicy: { tls: { mode: "DISABLE" } } }, "istio-system"),
  },
  {
    id: "policy-wildcards",
    how: "a trust domain that is cut",
    status: "warning",
    evidence: "the principal lab* matches these accounts of every trust domain",
    break: (s) => {
      Object.assign(sourceOf(s), { principals: ["lab*"], trustDomains: ["lab*"] });
    },
  },
  {
    id: "policy-trust-domain",
    how: "a * within a principal, which Istio takes for a letter",
    evidence: "the principal lab.teleport.*/ns/a/sa/b is of another trust domain",
    break: (s) => {
      sourceOf(s).principals = ["lab.teleport.*/ns/a/sa/b"];
    },
  },
  {
    id: "policy-wildcards",
    how: "everybody but one",
    status: "warning",
    evidence: "notPrincipals: lab.teleport.example/ns/a/sa/b matches everybody else, also without a certificate",
    break: (s) => {
      Object.assign(sourceOf(s), { principals: [], notPrincipals: ["lab.teleport.example/ns/a/sa/b"] });
    },
  },
  {
    id: "policy-wildcards",
    how: "a namespace of any trust domain",
    status: "warning",
    evidence: "namespaces: shop matches them in every trust domain that a proxy trusts",
    break: (s) => {
      Object.assign(sourceOf(s), { principals: [], namespaces: ["shop"] });
    },
  },
  {
    id: "policy-wildcards",
    how: "a path of a principal in any trust domain",
    status: "warning",
    evidence: "the principals */ns/a/sa/b, */sa/c match these accounts of every trust domain",
    break: (s) => {
      sourceOf(s).principals = ["*/ns/a/sa/b", "*/sa/c"];
    },
  },
  {
    id: "policy-trust-domain",
    how: "a principal of another trust domain",
    evidence: "is of another trust domain",
    break: (s) => {
      sourceOf(s).principals = ["old.example/ns/a/sa/b"];
    },
  },
  {
    id: "policy-trust-domain",
    how: "spiffe:// before the principal",
    evidence: "has spiffe:// before it",
    break: (s) => {
      sourceOf(s).principals = [`spiffe://${first(sourceOf(s).principals)}`];
    },
  },
  {
    id: "policy-service-accounts",
    how: "serviceAccounts in place of principals",
    status: "warning",
    evidence: "matches these accounts in every trust domain",
    break: (s) => {
      const source = sourceOf(s);
      source.principals = [];
      source.serviceAccounts = ["test-app/allowed-client"];
    },
  },
  {
    id: "policy-service-accounts",
    how: "serviceAccounts beside principals that say no trust domain",
    status: "warning",
    evidence: "matches these accounts in every trust domain",
    break: (s) => {
      const source = sourceOf(s);
      source.principals = ["*"];
      source.serviceAccounts = ["test-app/allowed-client"];
    },
  },
  {
    id: "policy-paths",
    how: "a path while normalization is NONE",
    evidence: "it matches on /admin while istiod default has path normalization NONE",
    break: (s) => {
      first(policy(s).spec?.rules).to = [{ operation: { paths: ["/admin"] } }];
    },
  },
  {
    id: "certificate-life",
    how: "two hours without renewal",
    evidence: "it expired",
    break: (s) => pass(s, 120 * MINUTE),
  },
  {
    id: "certificate-rotation",
    how: "half an hour without renewal",
    evidence: /it was issued 3\d min ago, tbot replaces each after 10 min/,
    break: (s) => pass(s, 32 * MINUTE - age(s)),
  },
  {
    id: "proxy-stream",
    how: "a pod that keeps a socket directory that was removed",
    evidence: /it does not reach tbot's socket.* its certificate expires in \d+ min/,
    break: (s) => {
      proxyOf(s).tbot = { connections: 0, streams: 0 };
    },
  },
  {
    id: "proxy-stream",
    how: "a Teleport that does not answer",
    evidence: "tbot ends its stream each time",
    break: (s) => {
      proxyOf(s).tbot = { connections: 1, streams: 0 };
    },
  },
  {
    id: "proxy-stream",
    how: "a Teleport that refuses",
    evidence: /^tbot ends its stream each time, .*; Envoy's log: fetching X509 SVIDs: .*: no matching rule found$/,
    break: (s) => {
      proxyOf(s).tbot = { connections: 1, streams: 0 };
      refuse(s, { ok: true, value: REFUSAL });
    },
  },
  {
    id: "outage-budget",
    how: "an interval of more than a third of the life",
    evidence:
      "certificates live 25 min and are replaced every 10 min: 3 breaks of tbot's connection to Teleport in a row let",
    break: (s) =>
      editTbot(s, ({ services }) => {
        (services[0] as Record<string, unknown>).credential_ttl = "25m";
      }),
  },
];

const rotation = (snapshot: Snapshot) =>
  first(diagnose(CHECKS, makeFacts(snapshot)).filter(({ check }) => check.id === "certificate-rotation"));

describe("a certificate that is late", () => {
  /** Half an hour after its issuance; breaks in minutes before now. */
  function late(...minutesAgo: number[]): Snapshot {
    const snapshot = healthySnapshot();
    pass(snapshot, 32 * MINUTE - age(snapshot));
    const now = value(snapshot.takenAt);
    for (const tbot of snapshot.tbotPods) {
      tbot.connectionBreaks = { ok: true, value: minutesAgo.map((minutes) => now - minutes * MINUTE) };
    }
    return snapshot;
  }

  it("is told from others when tbot's connection breaks again and again", () => {
    for (const { evidence, hint } of rotation(late(60, 25, 16, 8)).findings) {
      // The one before the certificate was issued did it no harm.
      expect(evidence).toContain("tbot's connection to Teleport broke 3 times since, and each break postpones");
      expect(hint).toMatch(/^Find what cuts the connection: .*disconnect_expired_cert/);
    }
  });

  it.each([["no break"], ["a break that an interval has followed", 20], ["one before it was issued", 60]])(
    "has another cause after %s",
    (_, ...breaks) => {
      const { findings, status } = rotation(late(...(breaks as number[])));
      expect(status).toBe("problem");
      for (const { evidence, hint } of findings) {
        expect(evidence).not.toContain("broke");
        expect(hint).toContain("See tbot-health for this node");
      }
    },
  );

  it("has another cause where tbot's log cannot be read", () => {
    const snapshot = late();
    for (const tbot of snapshot.tbotPods) tbot.connectionBreaks = { ok: false, reason: "no log" };
    expect(rotation(snapshot).findings[0]?.hint).toContain("See tbot-health");
  });
});

it.each([
  [
    "1h",
    "20m",
    "warning",
    "3 breaks of tbot's connection to Teleport, each before an interval is over, let them expire",
  ],
  ["2h", "20m", "ok", undefined],
  ["1h", "21m", "problem", "3 breaks of tbot's connection to Teleport in a row let them expire"],
])("outage-budget of certificates that live %s and are renewed every %s: %s", (life, interval, status, evidence) => {
  const snapshot = healthySnapshot();
  editTbot(snapshot, ({ services }) => {
    Object.assign(services[0] as object, { credential_ttl: life, renewal_interval: interval });
  });
  const result = diagnose(CHECKS, makeFacts(snapshot)).find(({ check }) => check.id === "outage-budget");
  expect([result?.status, result?.findings[0]?.evidence.split(": ")[1]]).toEqual([status, evidence]);
});

/** Since the newest certificate was issued, in milliseconds. */
function age(snapshot: Snapshot): number {
  const { examined } = first(
    diagnose(
      CHECKS.filter(({ id }) => id === "certificate-rotation"),
      makeFacts(snapshot),
    ),
  );
  const [, amount, unit] = /last rotation (\d+) (s|min) ago/.exec(examined) ?? [];
  return Number(amount) * (unit === "s" ? 1000 : MINUTE);
}

it("finds nothing on the recorded healthy mesh", () => {
  const snapshot = healthySnapshot();
  giveToken(snapshot);
  const results = diagnose(CHECKS, makeFacts(snapshot));
  expect(results.flatMap(({ check, findings }) => findings.map(({ evidence }) => `${check.id}: ${evidence}`))).toEqual(
    [],
  );
  expect(exitCode(results)).toBe(0);
  expect(results.filter(({ status }) => status === "skipped").map(({ check }) => check.id)).toEqual([
    "teleport-resources",
    "gateway-mount",
    "csi-driver",
    "gateway-api",
    "destination-rules",
  ]);
});

it("finds nothing on the same mesh with the CSI driver, istio-cni and restricted namespaces", () => {
  const snapshot = healthySnapshot();
  moveToCsi(snapshot);
  enforce(snapshot, "restricted");
  const injector = value(snapshot.istioConfigMaps).find(({ metadata }) => metadata.name === "istio-sidecar-injector");
  Object.assign(injector?.data ?? {}, { values: JSON.stringify({ pilot: { cni: { enabled: true } } }) });
  const bad = diagnose(CHECKS, makeFacts(snapshot)).filter(({ status }) => status !== "ok" && status !== "skipped");
  expect(bad.map(({ check, findings }) => [check.id, findings?.[0]?.evidence])).toEqual([]);
});

it("asks for no ConfigMap for a waypoint, which could not get the socket by it", () => {
  const snapshot = healthySnapshot();
  const deployment = structuredClone(first(value(snapshot.istiods)));
  const labels = { "gateway.networking.k8s.io/gateway-class-name": "istio-waypoint" };
  deployment.metadata = { name: "waypoint", namespace: "shop", labels };
  deployment.status = { conditions: [{ type: "ReplicaFailure", status: "True", message: "forbidden" }] };
  value(snapshot.gatewayDeployments).push(deployment);
  const result = diagnose(CHECKS, makeFacts(snapshot)).find(({ check }) => check.id === "gateway-api");
  expect(result?.findings.map(({ subject, hint }) => [subject, hint])).toEqual([
    [
      "shop/waypoint",
      `Remove it: tbot's socket is for gateways of the class istio, and this one's is istio-waypoint. See ${page("docs/start/not-supported.md")}.`,
    ],
  ]);
});

it("does not take a proxy that is on its way to a tbot that has just come back for one that lost it", () => {
  const snapshot = healthySnapshot();
  proxyOf(snapshot).tbot = { connections: 0, streams: 0 };
  const tbot = first(value(snapshot.pods).filter(({ metadata }) => metadata.namespace === "teleport-system"));
  const ready = first(tbot.status.conditions?.filter(({ type }) => type === "Ready"));
  const stream = (secondsAgo: number) => {
    ready.lastTransitionTime = new Date(value(snapshot.takenAt) - secondsAgo * 1000).toISOString();
    return diagnose(CHECKS, makeFacts(snapshot)).find(({ check }) => check.id === "proxy-stream")?.status;
  };
  expect([stream(30), stream(40)]).toEqual(["skipped", "problem"]);
});

it.each(CASES)(
  "$id names $how, and nothing else does",
  ({ id, status = "problem", evidence, also = [], break: breakIt }) => {
    const snapshot = healthySnapshot();
    breakIt(snapshot);
    const results = diagnose(CHECKS, makeFacts(snapshot));
    const bad = results.filter((result) => result.status !== "ok" && result.status !== "skipped");
    expect(bad.map(({ check }) => check.id).toSorted()).toEqual([id, ...also].toSorted());
    const named = bad.find(({ check }) => check.id === id);
    expect(named?.status).toBe(status);
    const findings = named?.findings ?? [];
    expect(findings[0]?.evidence).toMatch(evidence);
    expect(findings.every(({ hint }) => /^[A-Z].*[.`]$/.test(hint))).toBe(true);
    expect(exitCode(results)).toBe({ problem: 1, unknown: 2, warning: 0, ok: 0, skipped: 0 }[status]);
  },
);

it("is content in a rotation while every proxy trusts both roots, and says who uses and trusts which", () => {
  const snapshot = healthySnapshot();
  for (const { secrets } of snapshot.proxies) value(secrets).roots.push(ROTATED.root);
  const { secrets } = ofServer(snapshot);
  secrets.chain = [ROTATED.leaf];
  secrets.serialsInUse = [ROTATED.serial];
  const results = diagnose(CHECKS, makeFacts(snapshot));
  expect(exitCode(results)).toBe(0);
  expect(results.find(({ check }) => check.id === "trust-roots")?.examined).toBe(
    "2 roots in 3 sidecars: c9ba52224f5cc2de used by 2, trusted by 3; 2c627584441f8f80 used by 1, trusted by 3",
  );
  const { proxies } = JSON.parse(jsonReport(results, makeFacts(snapshot))) as {
    proxies: { pod: string; usesRoot: string; trustsRoots: string[] }[];
  };
  const both = ["c9ba52224f5cc2de", "2c627584441f8f80"];
  expect(proxies.map(({ usesRoot, trustsRoots }) => ({ usesRoot, trustsRoots }))).toEqual([
    { usesRoot: "c9ba52224f5cc2de", trustsRoots: both },
    { usesRoot: "c9ba52224f5cc2de", trustsRoots: both },
    { usesRoot: "2c627584441f8f80", trustsRoots: both },
  ]);
});

const INTERMEDIATE = JSON.parse(readFileSync(new URL("intermediate-authority.json", import.meta.url), "utf8")) as {
  root: string;
  chain: string[];
};

function only(id: string, snapshot: Snapshot) {
  return first(
    diagnose(
      CHECKS.filter((check) => check.id === id),
      makeFacts(snapshot),
    ),
  );
}

it("finds Teleport behind an intermediate authority", () => {
  const snapshot = healthySnapshot();
  const { secrets } = ofServer(snapshot);
  secrets.chain = INTERMEDIATE.chain;
  secrets.roots.push(INTERMEDIATE.root);
  expect(only("proxy-issuer", snapshot)).toMatchObject({ status: "ok", examined: "3 certificates" });
});

it.each([
  ["no pod of tbot runs", (s: Snapshot) => s],
  ["x", (s: Snapshot) => Object.assign(s, { pods: { ok: false, reason: "x" } })],
])("does not call tbot healthy that nobody saw: %s", (reason, change) => {
  const snapshot = change({ ...healthySnapshot(), tbotPods: [] });
  for (const id of ["tbot-health", "attestation", "kubelet-certificate"]) {
    const { status, findings } = only(id, snapshot);
    expect({ id, status, evidence: findings[0]?.evidence }).toMatchObject({
      status: "unknown",
      evidence: expect.stringContaining(reason),
    });
  }
});

it("continues when an object is not what any check expects", () => {
  const snapshot = healthySnapshot();
  editIstio(snapshot, "istio-sidecar-injector", "config", (config) => {
    config.templates = { odd: 1 };
  });
  for (const configMap of value(snapshot.istioConfigMaps)) {
    if (configMap.metadata.name === "istio") configMap.data = { mesh: "a: b: c" };
  }
  const odd = healthySnapshot();
  for (const configMap of value(odd.istioConfigMaps)) {
    const pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----";
    if (configMap.metadata.name === "istio-ca-root-cert") configMap.data = { "root-cert.pem": pem };
  }
  expect(only("proxy-issuer", odd).findings[0]?.evidence).toContain("holds what is no certificate");
  expect(JSON.parse(jsonReport([], makeFacts(odd)))).toMatchObject({ proxies: [] });
  const results = diagnose(CHECKS, makeFacts(snapshot));
  expect(results).toHaveLength(CHECKS.length);
  expect(only("trust-domain", snapshot).findings[0]?.evidence).toBe(
    "the mesh configuration of istiod default is not a YAML map",
  );
  const sound = healthySnapshot();
  sound.nodes = { ok: true, value: [{ metadata: { name: "n" } } as never] };
  expect(only("kubelet-rights", sound)).toMatchObject({ status: "unknown", examined: "could not look" });
});

it("does not ask a namespace for the level of meshed ones that has a revision and no injection", () => {
  const snapshot = healthySnapshot();
  const labels = {
    "istio.io/rev": "1-31",
    "istio-injection": "disabled",
    "pod-security.kubernetes.io/enforce": "baseline",
  };
  value(snapshot.namespaces).push({ metadata: { name: "plain", labels } });
  expect(only("pod-security", snapshot).status).toBe("ok");
});

it("takes the last of two variables for tbot's token, as Kubernetes does", () => {
  const snapshot = healthySnapshot();
  const [tbot] = tbotPodSpec(snapshot).containers;
  tbot?.env?.push({ name: "KUBERNETES_TOKEN_PATH", value: "/var/run/secrets/kubernetes.io/serviceaccount/token" });
  expect(only("tbot-token", snapshot).status).toBe("problem");
});

describe("what is no fault of the mesh", () => {
  it.each<[string, string, (snapshot: Snapshot) => void]>([
    [
      "a rule for a host outside the cluster",
      "destination-rules",
      (s) => addRule(s, { host: "api.example.com", trafficPolicy: { tls: { mode: "SIMPLE" } } }),
    ],
    [
      "a rule for a namespace that is not meshed",
      "destination-rules",
      (s) => addRule(s, { host: "x.teleport-system.svc.cluster.local", trafficPolicy: { tls: { mode: "DISABLE" } } }),
    ],
    [
      "a rule of a tenant outside the mesh, which Istio does not heed",
      "destination-rules",
      (s) => addRule(s, { host: "*", trafficPolicy: { tls: { mode: "DISABLE" } } }, "default"),
    ],
    [
      "a namespace of this trust domain",
      "policy-wildcards",
      (s) => {
        const trustDomains = ["lab.teleport.example"];
        Object.assign(sourceOf(s), { principals: [], namespaces: ["shop"], notPrincipals: ["x"], trustDomains });
      },
    ],
    [
      "names of which one is of this trust domain",
      "destination-rules",
      (s) => {
        const subjectAltNames = ["old.example", "lab.teleport.example"].map((domain) => `spiffe://${domain}/ns/a/sa/b`);
        addRule(s, { host: "server", trafficPolicy: { tls: { mode: "ISTIO_MUTUAL", subjectAltNames } } });
      },
    ],
    [
      "everybody whom a DENY policy names",
      "policy-wildcards",
      (s) => {
        sourceOf(s).principals = ["*"];
        Object.assign(policy(s).spec ?? {}, { action: "DENY" });
      },
    ],
    [
      "everybody of a trust domain",
      "policy-wildcards",
      (s) => {
        Object.assign(sourceOf(s), { principals: ["*"], trustDomains: ["lab.teleport.example"] });
      },
    ],
    [
      "pods refused in a namespace that is not meshed",
      "pod-creation",
      (s) => refuseCreation(s, { namespace: "default" }),
    ],
    [
      "a hostPath that only the proxy mounts, which is injected anew",
      "pod-restart",
      (s) => {
        const pod = sidecar(s);
        pod.spec.volumes?.push({ name: "old", hostPath: { path: "/run/spire/agent-sockets" } });
        proxyContainer(pod).volumeMounts?.push({ name: "old", mountPath: "/old", readOnly: true });
      },
    ],
    [
      "an istio-init that is through, while the image of its proxy is pulled",
      "proxy-start",
      (s) => {
        crash(s, { ok: true, value: "" });
        const pod = sidecar(s);
        pod.status.initContainerStatuses = [
          { name: "istio-init", ready: false, state: { terminated: { reason: "Completed", exitCode: 0 } } },
          { name: "istio-proxy", ready: false, state: { waiting: { reason: "PodInitializing" } } },
        ];
      },
    ],
    [
      "a proxy that ended once and runs again, where nobody may ask it",
      "proxy-start",
      (s) => {
        crash(s, { ok: true, value: "" });
        const status = first(sidecar(s).status.initContainerStatuses);
        status.state = { running: {} };
        const name = nameOf(sidecar(s));
        const proxy = first(s.proxies.filter((each) => `${each.namespace}/${each.pod}` === name));
        proxy.secrets = { ok: false, reason: "permission missing: x" };
      },
    ],
  ])("%s", (_, id, change) => {
    const snapshot = healthySnapshot();
    change(snapshot);
    expect(["ok", "skipped"]).toContain(only(id, snapshot).status);
  });
});

it("calls nothing ok that nobody saw", () => {
  const snapshot = healthySnapshot();
  value(snapshot.authorizationPolicies).splice(0);
  snapshot.pods = { ok: true, value: value(snapshot.pods).filter((pod) => !isMeshed(pod)) };
  snapshot.proxies = [];
  const results = diagnose(CHECKS, makeFacts(snapshot));
  const ok = results.filter(({ status }) => status === "ok");
  expect(ok.filter(({ examined }) => /\b(0|no certificate)\b/.test(examined)).map(({ check }) => check.id)).toEqual([]);
  const nothing = results.filter(({ examined }) => examined.startsWith("nothing to look at: no "));
  expect(nothing.map(({ check, status }) => `${check.id} ${status}`)).toEqual(
    [
      "tbot-nodes",
      "proxy-mount",
      "pod-restart",
      "proxy-start",
      "proxy-certificate",
      "proxy-issuer",
      "proxy-identity",
      "trust-roots",
      "strict-mtls",
      "destination-rules",
      "policy-trust-domain",
      "policy-service-accounts",
      "policy-wildcards",
      "policy-paths",
      "certificate-life",
      "certificate-rotation",
      "proxy-stream",
    ].map((id) => `${id} skipped`),
  );
});

it("does not miss the certificate of a pod that was deleted meanwhile", () => {
  const snapshot = healthySnapshot();
  first(snapshot.proxies).secrets = { ok: false, reason: POD_GONE };
  expect(only("proxy-certificate", snapshot).status).toBe("ok");
});

describe("the end of a tbot that does not start", () => {
  function ended(terminated: { reason?: string; exitCode?: number }, lastWords: Read<string>) {
    const snapshot = healthySnapshot();
    endTbot(snapshot, terminated, lastWords);
    return first(only("tbot-nodes", snapshot).findings);
  }

  it.each([
    [
      "joining with token: validating jwt signature",
      /^Teleport refuses the join: see token-keys, join-token, tbot-token/,
    ],
    ['joining with token: lock targeting User:"bot-istio-tbot" is in force: stolen', /^Somebody locked the bot/],
    [
      "joining with token: tls: failed to verify certificate: x509: unknown authority",
      /does not trust the certificate/,
    ],
    ["joining with token: dial tcp: lookup a.example: no such host", /^tbot does not reach Teleport's proxy/],
    [
      "service(x): timeout waiting for identity to be ready",
      /tctl create -f`: the role is missing or the bot does not/,
    ],
    ["something else", /^Read `kubectl -n teleport-system logs \S+ --previous`/],
    ["", /^Read `kubectl -n teleport-system logs \S+ --previous`/],
  ])("%j", (words, fix) => {
    const { evidence, hint } = ended({ exitCode: 1 }, { ok: true, value: words });
    expect(evidence).toMatch(words === "" ? /ended \(Error, exit code 1\)$/ : `ended (Error, exit code 1): ${words}`);
    expect(hint).toMatch(fix);
  });

  it("may be for want of memory", () => {
    const { evidence, hint } = ended({ reason: "OOMKilled" }, { ok: true, value: "" });
    expect(evidence).toMatch(/ended \(OOMKilled\)$/);
    expect(hint).toBe("Raise tbot.resources.limits.memory.");
  });

  it("may leave no log", () => {
    const { evidence, hint } = ended({ exitCode: 1 }, { ok: false, reason: "permission missing: pods/log" });
    expect(evidence).toMatch(/ended \(Error, exit code 1\), its log could not be read: permission missing: pods\/log$/);
    expect(hint).toMatch(/^Read `kubectl/);
  });
});

describe("the hint of a container before the sidecar", () => {
  it.each([
    ["istio-init", "iptables: Permission denied (you must be root)", /^Something takes NET_ADMIN/],
    ["istio-init", "exec format error", /logs \S+ -c istio-init`\.$/],
    ["istio-validation", "iptables validation failed", /^Check that istio-cni runs on \S+: /],
  ])("%s: %s", (container, words, hint) => {
    const snapshot = healthySnapshot();
    crashBefore(snapshot, container, words);
    expect(first(only("proxy-start", snapshot).findings).hint).toMatch(hint);
  });
});

describe("what tctl reads of Teleport", () => {
  it("is fine where all is as the values make it", () => {
    const snapshot = healthySnapshot();
    askTeleport(snapshot);
    for (const id of ["teleport-resources", "join-token", "token-keys"]) {
      expect(only(id, snapshot)).toMatchObject({ status: "ok", findings: [] });
    }
  });

  it("is not compared without values, and not looked at without --tctl", () => {
    const snapshot = healthySnapshot();
    expect(only("teleport-resources", snapshot)).toMatchObject({
      status: "skipped",
      examined: expect.stringMatching(/--tctl/),
    });
    askTeleport(snapshot);
    delete snapshot.teleport?.resources;
    expect(only("teleport-resources", snapshot)).toMatchObject({
      status: "skipped",
      examined: expect.stringMatching(/values with -f/),
    });
    expect(only("join-token", snapshot).status).toBe("ok");
  });

  it("is not known where tctl is missing", () => {
    const snapshot = healthySnapshot();
    const missing = {
      ok: false,
      reason: "Could not read Teleport's status: tctl is not on the PATH; install it",
    } as const;
    askTeleport(snapshot, { status: missing, joinTokens: missing, resources: missing });
    for (const id of ["teleport-resources", "join-token", "token-keys"]) {
      const { status, findings } = only(id, snapshot);
      expect([status, findings[0]?.evidence]).toEqual(["unknown", missing.reason]);
    }
  });
});

describe("the join token of one of several clusters", () => {
  /** A mesh whose values and tbot.yaml name the cluster prod, with the tokens of prod and dev in Teleport. */
  function clusterProd(botOfProd: string): Snapshot {
    const snapshot = healthySnapshot();
    const intended = structuredClone(DEFAULTS);
    Object.assign(intended.global.teleport, { cluster: "prod" });
    snapshot.intended = intended;
    editTbot(snapshot, (config) => {
      Object.assign(config.onboarding as object, { token: "istio-tbot-k8s-join-prod" });
    });
    const tokens = [["dev", "istio-tbot-dev"] as const, ["prod", botOfProd] as const].map(([cluster, botName]) => {
      giveToken(snapshot, {
        text: (yaml) =>
          yaml
            .replace(/name: "istio-tbot-k8s-join[^"]*"/, `name: istio-tbot-k8s-join-${cluster}`)
            .replace(/bot_name: "[^"]*"/, `bot_name: ${botName}`),
      });
      return first(snapshot.joinTokens);
    });
    snapshot.joinTokens = tokens;
    return snapshot;
  }

  it("is the one with the cluster's suffix, among others'", () => {
    const report = only("join-token", clusterProd("istio-tbot-prod"));
    expect(report).toMatchObject({ status: "ok", examined: "token istio-tbot-k8s-join-prod", findings: [] });
  });

  it("must name the cluster's bot", () => {
    const { evidence } = first(only("join-token", clusterProd("istio-tbot")).findings);
    expect(evidence).toContain("spec.bot_name");
    expect(evidence).toContain("tbot would join as another bot");
  });
});

describe("what Envoy's log says of a pod without a certificate", () => {
  function waiting(refusal: Read<string | undefined>) {
    const snapshot = healthySnapshot();
    proxyOf(snapshot).chain = [];
    refuse(snapshot, refusal);
    return first(only("proxy-certificate", snapshot).findings);
  }

  it.each([
    [REFUSAL, "See attestation first: a pod that tbot did not attest matches no rule. Nor does one in a namespace"],
    ['fetching X509 SVIDs: lock targeting User:"bot-istio-tbot" is in force', "`tctl rm lock/NAME`"],
    ['fetching X509 SVIDs: workload_identity "x" doesn\'t exist', "| tctl create -f`"],
    ['fetching X509 SVIDs: access denied to perform action "read" on "workload_identity"', "| tctl create -f`"],
    ["fetching X509 SVIDs: access to workload_identity denied. User does not have permissions.", "| tctl create -f`"],
    ["fetching X509 SVIDs: context deadline exceeded", "See tbot-nodes and attestation"],
  ])("%s", (words, fix) => {
    const { evidence, hint } = waiting({ ok: true, value: words });
    expect(evidence).toBe(`Envoy waits for its certificate (default); Envoy's log: ${words}`);
    expect(hint).toContain(fix);
  });

  it("may say nothing", () => {
    const { evidence, hint } = waiting({ ok: true, value: undefined });
    expect(evidence).toBe("Envoy waits for its certificate (default)");
    expect(hint).toMatch(/^See tbot-nodes and attestation/);
  });

  it("may be forbidden, or out of reach", () => {
    const forbidden = waiting({ ok: false, reason: "permission missing: pods/log is forbidden" });
    expect(forbidden.evidence).toMatch(/; Envoy's log could not be read: permission missing: pods\/log is forbidden$/);
    expect(forbidden.hint).toMatch(
      /^Grant get on pods\/log in test-app, so that doctor can read the reason\. See tbot-nodes/,
    );
    expect(waiting({ ok: false, reason: "no answer within 8 s" }).hint).toMatch(/^See tbot-nodes/);
  });

  it("is for others to read where it was not", () => {
    const snapshot = healthySnapshot();
    proxyOf(snapshot).chain = [];
    expect(first(only("proxy-certificate", snapshot).findings).hint).toMatch(
      /`kubectl -n test-app logs \S+ -c istio-proxy \| grep StreamSecrets`\.$/,
    );
  });
});

it("does not take a certificate that was issued while it read for a clock that is ahead", () => {
  const snapshot = healthySnapshot();
  const issued = value(snapshot.takenAt);
  pass(snapshot, -40 * MINUTE);
  expect(only("clocks", snapshot).status).toBe("problem");
  expect(only("clocks", { ...snapshot, readUntil: issued }).status).toBe("ok");
});

it("says once of a node, or a namespace, that its proxies could not be asked", () => {
  const snapshot = healthySnapshot();
  for (const [index, proxy] of snapshot.proxies.entries()) {
    proxy.secrets = {
      ok: false,
      reason: index === 0 ? "no answer within 4 s" : "permission missing: pods is forbidden",
    };
  }
  const [result] = diagnose(
    CHECKS.filter(({ id }) => id === "proxy-certificate"),
    makeFacts(snapshot),
  );
  expect(result?.examined).toBe("0 of the proxies of 3 pods answered");
  expect(result?.findings.map(({ subject, evidence }) => `${subject}: ${evidence}`)).toEqual([
    expect.stringMatching(
      /^namespace test-app: 2 proxies could not be asked \(test-app\/\S+, test-app\/\S+\): permission missing: pods/,
    ),
    expect.stringMatching(/^test-app\/\S+: no answer within 4 s$/),
  ]);
});

it("has a case for every check", () => {
  expect([...new Set(CASES.map(({ id }) => id))].toSorted()).toEqual(CHECKS.map(({ id }) => id).toSorted());
});

it("continues when nothing at all could be read, and says each reason", () => {
  const refused = { ok: false, reason: "permission missing: x" } as const;
  const snapshot: Snapshot = {
    takenAt: refused,
    teleportVersion: refused,
    kubernetesVersion: refused,
    nodes: refused,
    nodeLeases: refused,
    namespaces: refused,
    pods: refused,
    tbotDaemonSets: refused,
    csiDaemonSets: refused,
    gatewayDeployments: refused,
    refusedCreations: refused,
    destinationRules: refused,
    csiNodes: refused,
    tbotConfig: refused,
    tbotPods: [],
    kubeletRights: { pods: refused, proxy: refused },
    jwks: refused,
    istiods: refused,
    istioConfigMaps: refused,
    peerAuthentications: refused,
    authorizationPolicies: refused,
    admissionPolicy: refused,
    admissionBinding: refused,
    proxies: [],
  };
  const results = diagnose(CHECKS, makeFacts(snapshot));
  expect(results).toHaveLength(CHECKS.length);
  expect(exitCode(results)).toBe(2);
  const looked = results.filter(({ status }) => status !== "unknown" && status !== "skipped");
  expect(looked.map(({ check }) => check.id)).toEqual([]);
});
