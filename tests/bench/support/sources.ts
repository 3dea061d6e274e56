import { stringify } from "yaml";
import { shellBlock } from "../../../scripts/shell-blocks/blocks.ts";
import { createNamespace, deleteNamespace } from "../../lab/testkit/cluster/namespaces.ts";
import { address, onePod } from "../../lab/testkit/cluster/pods.ts";
import { shell } from "../../lab/testkit/cluster/shell.ts";
import type { Issuers } from "../../lab/testkit/identity/issuers.ts";
import { SPIRE_TEMPLATE, type Spire, startSpire } from "../../lab/testkit/identity/spire.ts";
import { certificateOnTheWire } from "../../lab/testkit/identity/wire.ts";
import { istiodAnswers } from "../../lab/testkit/installation/layers.ts";
import { upgrade, upgradeIstiod } from "../../lab/testkit/installation/releases.ts";
import { runDocumented } from "../../lab/testkit/installation/run-documented.ts";
import { editUserFiles } from "../../lab/testkit/migration/scope.ts";
import { STATS_ANNOTATION } from "../../lab/testkit/traffic/envoy-counters.ts";

/** Who gives pods their identity, side by side in one mesh: by injection templates, as a migration has them. */
export interface Source {
  readonly name: string;
  readonly issuer: "teleport" | "istiod" | "spire";
  readonly namespace: string;
  /** The pod's annotation `inject.istio.io/templates`. */
  readonly templates: string;
  /** The pod's annotation `proxy.istio.io/config`. */
  readonly proxyConfig?: string;
}

export const SOURCES: readonly Source[] = [
  { name: "Teleport's double", issuer: "teleport", namespace: "bench-teleport", templates: "sidecar,teleport" },
  { name: "istiod's CA", issuer: "istiod", namespace: "bench-istiod", templates: "sidecar" },
  // The others' keys are of this kind: it tells what the issuer costs from what the key does.
  {
    name: "istiod's CA, P-256",
    issuer: "istiod",
    namespace: "bench-istiod-p256",
    templates: "sidecar",
    proxyConfig: "proxyMetadata: {ECC_SIGNATURE_ALGORITHM: ECDSA}",
  },
  { name: "SPIRE", issuer: "spire", namespace: "bench-spire", templates: "sidecar,spire" },
];

/** A service whose clients' sidecars keep connections, and one to whose they open a new one for each request. */
const SERVICES = ["server", "anew"] as const;

const CONTAINER = { imagePullPolicy: "Never", securityContext: { runAsNonRoot: true, runAsUser: 65532 } };

/**
 * Gives the mesh all three sources: SPIRE's server and agent start, istiod's CA issues again, and each pod chooses. In each
 * source's namespace there is a server that has it. Returns what takes all of that back.
 */
export async function startSources(): Promise<() => Promise<void>> {
  const files = editUserFiles();
  let spire: Spire | undefined;
  const stop = async () => {
    files.restore();
    for (const { namespace } of SOURCES) await deleteNamespace(namespace);
    await spire?.stop();
    await upgradeIstiod();
    await upgrade([]);
    await shell("kubectl -n test-app rollout status deployment --timeout=180s");
  };
  try {
    spire = await startSpire(
      SOURCES.filter(({ issuer }) => issuer === "spire").flatMap(({ namespace }) =>
        ["client", "server"].map((serviceAccount) => ({ namespace, serviceAccount })),
      ),
    );
    files.setScope("pod");
    files.setIstiodValues({
      sidecarInjectorWebhook: { templates: { spire: SPIRE_TEMPLATE } },
      meshConfig: { accessLogFile: "" },
    });
    await runDocumented(shellBlock("docs/operate/migration.md#scope"));
    await istiodAnswers();
    for (const source of SOURCES) {
      await createNamespace(source.namespace, { meshed: true });
      await shell("kubectl apply -f -", {
        input: workloads(source)
          .map((object) => stringify(object))
          .join("---\n"),
      });
    }
    for (const { namespace } of SOURCES) {
      await shell(`kubectl -n ${namespace} rollout status deployment --timeout=180s`);
    }
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}

function workloads(source: Source): object[] {
  const { namespace } = source;
  const metadata = (name: string) => ({ name, namespace });
  const service = (name: string) => ({
    apiVersion: "v1",
    kind: "Service",
    metadata: metadata(name),
    spec: {
      selector: { "app.kubernetes.io/name": "server" },
      ports: [{ name: "http", port: 80, targetPort: 8080 }],
    },
  });
  return [
    ...["client", "server"].map((name) => ({ apiVersion: "v1", kind: "ServiceAccount", metadata: metadata(name) })),
    deployment(source, "server", {
      ...CONTAINER,
      image: "lab.local/go-httpbin:lab",
      ports: [{ containerPort: 8080 }],
      readinessProbe: { httpGet: { path: "/headers", port: 8080 } },
    }),
    ...SERVICES.map(service),
    {
      apiVersion: "networking.istio.io/v1",
      kind: "DestinationRule",
      metadata: metadata("anew"),
      spec: {
        host: `anew.${namespace}.svc.cluster.local`,
        trafficPolicy: { connectionPool: { http: { maxRequestsPerConnection: 1 } } },
      },
    },
  ];
}

function deployment(source: Source, name: string, container: object): object {
  const { namespace } = source;
  return {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name, namespace },
    spec: {
      selector: { matchLabels: { "app.kubernetes.io/name": name } },
      template: podOf(source, name, { ...container, name }),
    },
  };
}

/** Metadata and spec of a pod that has the source's identity, under the ServiceAccount `client` or `server`. */
function podOf(
  { templates, proxyConfig }: Source,
  serviceAccountName: string,
  container: { readonly name: string },
): object {
  return {
    metadata: {
      labels: { "app.kubernetes.io/name": container.name },
      annotations: {
        "inject.istio.io/templates": templates,
        [STATS_ANNOTATION]: ".*15006[.]ssl.*",
        ...(proxyConfig !== undefined && { "proxy.istio.io/config": proxyConfig }),
      },
    },
    spec: { serviceAccountName, terminationGracePeriodSeconds: 1, containers: [container] },
  };
}

/** A client that calls the server from its first moment until it is answered, and then prints the time and stays. */
export function firstCaller(source: Source): object {
  const call = "curl -sf -o /dev/null --max-time 2 http://server/headers";
  const script = `until ${call}; do sleep 0.02; done; date +%s.%N; exec sleep infinity`;
  const container = {
    ...CONTAINER,
    name: "first-caller",
    image: "lab.local/client:lab",
    command: ["sh", "-c", script],
  };
  const { metadata, spec } = podOf(source, "client", container) as { metadata: object; spec: object };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { ...metadata, name: "first-caller", namespace: source.namespace },
    spec,
  };
}

/** The kind of key of the certificate on the wire, after seeing that the source issued it. */
export async function keyOnTheWire({ namespace, issuer, name }: Source, issuers: Issuers): Promise<string> {
  const pod = await onePod(namespace, "app.kubernetes.io/name=server");
  const certificate = await certificateOnTheWire(address(pod), 8080);
  if (certificate === undefined) throw new Error(`${name}: the server presents no certificate`);
  const found = issuers.identityOf(certificate).issuer;
  // SPIRE's root is none of those that the lab's tests know.
  if (found !== (issuer === "spire" ? "unknown" : issuer)) throw new Error(`${name}: the issuer is ${found}`);
  const { asymmetricKeyType, asymmetricKeyDetails } = certificate.publicKey;
  return `${asymmetricKeyType} ${asymmetricKeyDetails?.modulusLength ?? asymmetricKeyDetails?.namedCurve}`;
}
