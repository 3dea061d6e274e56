import { X509Certificate } from "node:crypto";
import { groupBy } from "../../base/group-by.ts";
import { isRecord, jsonIn } from "../../base/json-value.ts";
import { quoted } from "../../programs/json-from.ts";
import type { KubeApi } from "../../programs/kube-api/kube-api.ts";
import { limited } from "../../programs/kube-api/limited.ts";
import { PERMISSION_MISSING, POD_GONE, type Read } from "../../programs/kube-api/read.ts";
import { isReady } from "../facts/facts.ts";
import { nodeOf } from "../facts/meshed-pods.ts";
import type { Pod } from "../facts/objects.ts";
import type { MeshProxy, ProxySecrets } from "../snapshot.ts";

/** Envoy's admin interface in Istio's proxies, on the pod's loopback interface. */
export const ADMIN_PORT = 15000;

/** Istio's name for the cluster of tbot's socket (istio tools/packaging/common/envoy_bootstrap.json). */
export const TBOT_CLUSTER = "sds-grpc";

/**
 * First what is in use, so that a rotation in between shows the newer secret, not an older use. An Envoy that does not
 * know the filter lists all clusters.
 */
const PATHS = ["/certs", "/config_dump?resource=dynamic_active_secrets", `/clusters?filter=${TBOT_CLUSTER}`];

/** How long one proxy may take, in milliseconds. */
const TIMEOUT = 4_000;

/** Proxies asked at a time: of one node, whose kubelet carries each connection, and of the whole cluster. */
const PER_NODE = 4;
const TOTAL = 64;

/** A node on which so many proxies failed before any answered is not asked about the others: its kubelet is away. */
const NODE_FAILURES = 2;

/**
 * Reads the live secrets of each pod's proxy, through its own admin interface as istioctl does.
 *
 * @param progress is told after each proxy how many are done
 */
export async function readProxies(
  api: KubeApi,
  pods: readonly Pod[],
  progress: (done: number) => void,
): Promise<MeshProxy[]> {
  const inCluster = limited(TOTAL);
  let done = 0;
  const read = async (pod: Pod, reading: (pod: Pod) => Promise<Read<ProxySecrets>>): Promise<MeshProxy> => {
    const secrets = await reading(pod);
    progress(++done);
    return { namespace: pod.metadata.namespace, pod: pod.metadata.name, secrets };
  };
  const ask = (pod: Pod) => inCluster(() => readSecrets(api, pod));
  const ofNode = async ([node, own]: [string, Pod[]]): Promise<MeshProxy[]> => {
    const first: MeshProxy[] = [];
    const silent: string[] = [];
    for (const pod of own) {
      const proxy = await read(pod, ask);
      first.push(proxy);
      if (proxy.secrets.ok) break;
      if (!saysNothingOfOthers(proxy.secrets.reason)) silent.push(proxy.secrets.reason);
      if (silent.length === NODE_FAILURES) break;
    }
    const rest = own.slice(first.length);
    if (silent.length === NODE_FAILURES) {
      const reason = `not tried, since others on the node ${node} failed: ${silent.at(-1)}`;
      return [...first, ...(await Promise.all(rest.map((pod) => read(pod, async () => ({ ok: false, reason })))))];
    }
    const onNode = limited(PER_NODE);
    return [...first, ...(await Promise.all(rest.map((pod) => onNode(() => read(pod, ask)))))];
  };
  // Pods that only start may not answer yet.
  const readyFirst = pods.toSorted((a, b) => Number(isReady(b)) - Number(isReady(a)));
  const all = (await Promise.all([...groupBy(readyFirst, nodeOf)].map(ofNode))).flat();
  return all.toSorted((a, b) => (`${a.namespace}/${a.pod}` < `${b.namespace}/${b.pod}` ? -1 : 1));
}

/** What one namespace forbids another may allow, a proxy that does not listen is one pod's matter; neither takes time. */
function saysNothingOfOthers(reason: string): boolean {
  return reason.startsWith(PERMISSION_MISSING) || reason === POD_GONE || reason.includes("connection refused");
}

async function readSecrets(api: KubeApi, { metadata: { namespace, name } }: Pod): Promise<Read<ProxySecrets>> {
  const bodies = await api.fromLoopback({ namespace, name, port: ADMIN_PORT }, PATHS, TIMEOUT);
  if (!bodies.ok) return bodies;
  const [certs = "", dump = "", clusters = ""] = bodies.value;
  const other = (what: string) =>
    ({ ok: false, reason: `the proxy's admin interface answers something else: ${what}` }) as const;
  const [inUse, all] = [jsonIn(certs), jsonIn(dump)];
  if (!isRecord(inUse) || !isRecord(all)) return other(quoted(isRecord(inUse) ? dump : certs));
  try {
    return { ok: true, value: { ...proxySecrets(inUse, all), ...tbotStreams(clusters) } };
  } catch (error) {
    return other((error as Error).message);
  }
}

/** What Envoy's /clusters says of tbot's socket: lines `<cluster>::<address>::<counter>::<number>`. */
function tbotStreams(clusters: string): Pick<ProxySecrets, "tbot"> {
  const sum = (counter: string): number | undefined => {
    const values = clusters
      .split("\n")
      .map((line) => line.trim().split("::"))
      .filter((parts) => parts[0] === TBOT_CLUSTER && parts.length === 4 && parts[2] === counter)
      .map((parts) => Number(parts[3]));
    return values.length === 0 ? undefined : values.reduce((total, each) => total + each, 0);
  };
  const [connections, streams] = [sum("cx_active"), sum("rq_active")];
  return connections === undefined || streams === undefined ? {} : { tbot: { connections, streams } };
}

/** Envoy's /certs: the certificates of its live TLS contexts. */
interface Certs {
  certificates?: { cert_chain?: { serial_number?: string }[] }[];
}

/** Envoy's /config_dump of secrets, as far as it is read. */
interface SecretsDump {
  configs?: {
    name?: string;
    secret?: {
      tls_certificate?: { certificate_chain?: DataSource };
      validation_context?: {
        trusted_ca?: DataSource;
        /** envoy.tls.cert_validator.spiffe, as tbot sends it (Teleport lib/tbot/internal/sds/handler.go). */
        custom_validator_config?: { typed_config?: { trust_domains?: { trust_bundle?: DataSource }[] } };
      };
    };
  }[];
}

interface DataSource {
  inline_bytes?: string;
  inline_string?: string;
}

/** What the two answers of Envoy's admin interface say. */
function proxySecrets(certs: Certs, dump: SecretsDump): ProxySecrets {
  const secret = (name: string) => dump.configs?.find((config) => config.name === name)?.secret;
  const { trusted_ca: ca, custom_validator_config: validator } = secret("ROOTCA")?.validation_context ?? {};
  const bundles = validator?.typed_config?.trust_domains?.map((domain) => domain.trust_bundle) ?? [];
  const serials = certs.certificates?.flatMap(({ cert_chain: chain }) => chain?.[0]?.serial_number ?? []) ?? [];
  return {
    chain: pemCertificates(secret("default")?.tls_certificate?.certificate_chain),
    roots: [ca, ...bundles].flatMap(pemCertificates),
    serialsInUse: [...new Set(serials.map((serial) => serial.toLowerCase()))],
  };
}

/** Each parsed once, so that no check meets what is no certificate: one odd pod must not take the others' answers away. */
function pemCertificates(source: DataSource | undefined): string[] {
  const text = source?.inline_string ?? Buffer.from(source?.inline_bytes ?? "", "base64").toString();
  return (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((pem) => {
    const certificate = new X509Certificate(pem);
    if (certificate.publicKey.asymmetricKeyType === undefined || Number.isNaN(Date.parse(certificate.validTo))) {
      throw new Error("a certificate with a key or dates that nobody knows");
    }
    return certificate.toString();
  });
}
