import { ExitError } from "../base/exit-error.ts";
import { graphProblems } from "./checks-graph.ts";
import type { Values } from "./types.ts";

const SECONDS = { s: 1, m: 60, h: 3600 } as const;
const MAX_TTL_SECONDS = 336 * SECONDS.h;
const OLDEST_TBOT = [18, 11] as const;

/**
 * What JSON Schema cannot say, in the words of chart/templates/checks*.yaml: each rule is there and here, because Helm
 * runs without our tools and our tools must refuse before anything is rendered. A test holds both together.
 *
 * @throws ExitError with one sentence for each value that is refused.
 */
export function checkValues(values: Values): void {
  const problems = [
    ...teleportProblems(values.global.teleport),
    ...lifetimeProblems(values.tbot),
    ...tbotProblems(values.tbot),
    ...namespaceProblems(values),
    ...hostPathProblems(values),
    ...graphProblems(values),
    ...monitoringProblems(values),
  ];
  if (problems.length > 0) throw new ExitError(problems.join("\n"));
}

function* teleportProblems({ clusterName, proxyAddr, join }: Values["global"]["teleport"]): Generator<string> {
  if (clusterName === "") {
    yield "global.teleport.clusterName is empty: set it to the name of your Teleport cluster, as `tctl status` prints it.";
  }
  if (proxyAddr === "") {
    yield "global.teleport.proxyAddr is empty: set it to the host:port of your Teleport Proxy Service, for example example.teleport.sh:443.";
  }
  if (Number(proxyAddr.split(":").at(-1)) > 65535) {
    yield `global.teleport.proxyAddr is "${proxyAddr}": its port is above 65535; set it to the host:port of your Teleport Proxy Service.`;
  }
  if (join.type === "oidc" && join.issuer === "") {
    yield "global.teleport.join.issuer is empty: join type oidc needs the issuer URL of the cluster's ServiceAccount tokens, as `kubectl get --raw /.well-known/openid-configuration` prints it.";
  }
  if (join.type !== "oidc" && join.issuer !== "") {
    yield `global.teleport.join.issuer is set but global.teleport.join.type is ${join.type}: remove the issuer or set the type to oidc.`;
  }
}

function* lifetimeProblems({ credentialTTL, renewalInterval }: Values["tbot"]): Generator<string> {
  const ttl = seconds(credentialTTL);
  if (ttl > MAX_TTL_SECONDS) {
    yield `tbot.credentialTTL is ${credentialTTL}: Teleport issues X.509 SVIDs for at most 336h; lower it.`;
  }
  if (2 * seconds(renewalInterval) > ttl) {
    yield `tbot.renewalInterval is ${renewalInterval}, more than half of tbot.credentialTTL (${credentialTTL}): one missed renewal would let certificates expire; lower the interval or raise the TTL.`;
  }
}

/** A duration that the schema's pattern accepts: one number and a unit. */
function seconds(duration: string): number {
  return Number.parseInt(duration, 10) * SECONDS[duration.slice(-1) as keyof typeof SECONDS];
}

function* tbotProblems({ image, extraEnv, podLabels, podAnnotations }: Values["tbot"]): Generator<string> {
  const version = /^v?(\d+)\.(\d+)\.\d+(?:-[0-9A-Za-z.-]+)?$/.exec(image.tag);
  if (image.digest === "" && version) {
    const [major, minor] = [Number(version[1]), Number(version[2])];
    if (major < OLDEST_TBOT[0] || (major === OLDEST_TBOT[0] && minor < OLDEST_TBOT[1])) {
      yield `tbot.image.tag is ${image.tag}: tbot before 18.11 neither attests native sidecars nor serves issuer chains over SDS; set 18.11.0 or later.`;
    }
  }
  for (const { name } of extraEnv) {
    if (["TELEPORT_NODE_NAME", "KUBERNETES_TOKEN_PATH"].includes(name as string)) {
      yield `tbot.extraEnv sets ${name}, which the chart sets itself: remove it.`;
    }
  }
  for (const key of Object.keys(podLabels)) {
    if (["app.kubernetes.io/name", "app.kubernetes.io/part-of", "sidecar.istio.io/inject"].includes(key)) {
      yield `tbot.podLabels sets ${key}, which the chart sets itself: remove it.`;
    }
  }
  if ("checksum/config" in podAnnotations) {
    yield "tbot.podAnnotations sets checksum/config, which the chart sets itself: remove it.";
  }
}

function* namespaceProblems({ tbot, mesh, testApp }: Values): Generator<string> {
  const { name } = testApp.namespace;
  if (testApp.enabled && [tbot.namespace.name, mesh.rootNamespace].includes(name)) {
    yield `testApp.namespace.name is ${name}, the namespace of tbot or of Istio: give the test app one of its own.`;
  }
}

function* monitoringProblems({ monitoring, tbot }: Values): Generator<string> {
  if (monitoring.enabled && !tbot.enabled) {
    yield "monitoring.enabled is true while tbot.enabled is false: there is no tbot to scrape; set one of them otherwise.";
  }
}

function* hostPathProblems({ tbot, mesh }: Values): Generator<string> {
  const { hostPath } = tbot.socket;
  const socketDir = onNode(hostPath);
  for (const allowed of mesh.admission.allowedHostPaths) {
    const path = onNode(allowed);
    const related = path === socketDir || socketDir.startsWith(`${path}/`) || path.startsWith(`${socketDir}/`);
    if (related || /^\/proc(\/|$)/.test(path)) {
      yield `mesh.admission.allowedHostPaths has ${allowed}, through which a pod could write to tbot's socket directory ${hostPath}: allow a narrower path.`;
    }
  }
}

/** /var/run is a link to /run on nodes. */
function onNode(path: string): string {
  return path.replace(/^\/var\/run(?=\/|$)/, "/run");
}
