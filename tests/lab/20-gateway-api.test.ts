import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { componentDir } from "../../lab/build/components.ts";
import { GATEWAY_API_RECIPE } from "../../lab/build/recipes.ts";
import { TELEPORT_CLUSTER_NAME } from "../../lab/cluster/addresses.ts";
import { labPaths } from "../../lab/machine/paths.ts";
import { createNamespace, deleteNamespace, namespaceExists } from "./testkit/cluster/namespaces.ts";
import { livePods, untilReady } from "./testkit/cluster/pods.ts";
import { shell, tryShell, until } from "./testkit/cluster/shell.ts";
import { Issuers } from "./testkit/identity/issuers.ts";
import { REPOSITORY, requireInstalled, THROUGH_CSI, USER_DIR } from "./testkit/installation/installation.ts";
import { istiodAnswers } from "./testkit/installation/layers.ts";
import { upgrade } from "./testkit/installation/releases.ts";
import { accessLog } from "./testkit/traffic/access-log.ts";

const INGRESS = "gateway-api-ingress";
const APPLICATION = "gateway-api-app";
const CONFIG_MAP = "istio-teleport-gateway-api";
const CRDS = join(componentDir(labPaths(), GATEWAY_API_RECIPE), "crds");
const GATEWAY_ID = `spiffe://${TELEPORT_CLUSTER_NAME}/ns/${INGRESS}/sa/public-istio`;

/** Service → the path by which the gateway leads to it. The gateway may call the first one only. */
const PATHS = { server: "/headers", neighbour: "/get" } as const;

const TLS_HOST = "tls.example.com";

/** The graph of this file's application: the gateway is the one caller of one service. */
const VALUES = {
  mesh: {
    gateways: { public: { namespace: INGRESS, serviceAccount: "public-istio" } },
    applications: {
      "gateway-api": {
        namespace: APPLICATION,
        services: Object.fromEntries(
          Object.keys(PATHS)
            .map((name) => [
              name,
              {
                labels: { app: name },
                serviceAccount: name,
                ports: [{ port: 80, targetPort: 8080, protocol: "HTTP" }],
                callers: name === "server" ? [{ gateway: "public" }] : [],
              },
            ])
            .concat([
              [
                "tls",
                {
                  labels: { app: "tls" },
                  serviceAccount: "tls",
                  ports: [{ port: 443, targetPort: 8443, protocol: "TCP" }],
                  callers: [{ gateway: "public" }],
                },
              ],
            ]),
        ),
      },
    },
  },
};

function service(name: string): string {
  return `
apiVersion: v1
kind: ServiceAccount
metadata: {name: ${name}, namespace: ${APPLICATION}}
---
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: ${APPLICATION}, labels: {app: ${name}}}
spec:
  serviceAccountName: ${name}
  containers: [{name: ${name}, image: "lab.local/go-httpbin:lab", imagePullPolicy: Never}]
---
apiVersion: v1
kind: Service
metadata: {name: ${name}, namespace: ${APPLICATION}}
spec:
  selector: {app: ${name}}
  ports: [{name: http, port: 80, targetPort: 8080}]
---
`;
}

/** No cloud serves a load balancer here: the gateway is reached at its Service's address. */
function gateway(name: string): string {
  return `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: ${name}
  namespace: ${INGRESS}
  annotations: {networking.istio.io/service-type: ClusterIP}
spec:
  gatewayClassName: istio
  listeners:
    - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
    - name: tls
      port: 443
      protocol: TLS
      hostname: ${TLS_HOST}
      tls: {mode: Passthrough}
      allowedRoutes: {namespaces: {from: All}}
`;
}

const ROUTE = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: ways, namespace: ${APPLICATION}}
spec:
  parentRefs: [{name: public, namespace: ${INGRESS}}]
  rules:
${Object.entries(PATHS)
  .map(
    ([name, path]) =>
      `    - {matches: [{path: {type: PathPrefix, value: ${path}}}], backendRefs: [{name: ${name}, port: 80}]}`,
  )
  .join("\n")}
`;

/** A server that speaks TLS itself: the gateway reads the name that the client asks for, and nothing else. */
const TLS_SERVER = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: tls, namespace: ${APPLICATION}}
---
apiVersion: v1
kind: Pod
metadata: {name: tls, namespace: ${APPLICATION}, labels: {app: tls}}
spec:
  serviceAccountName: tls
  containers:
    - name: tls
      image: lab.local/client:lab
      imagePullPolicy: Never
      workingDir: /tmp
      command:
        - sh
        - -c
        - >-
          openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out crt -days 1 -subj /CN=${TLS_HOST}
          && exec openssl s_server -accept 8443 -cert crt -key key -www
---
apiVersion: v1
kind: Service
metadata: {name: tls, namespace: ${APPLICATION}}
spec:
  selector: {app: tls}
  ports: [{name: tls, port: 443, targetPort: 8443}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: by-name, namespace: ${APPLICATION}}
spec:
  parentRefs: [{name: public, namespace: ${INGRESS}, sectionName: tls}]
  hostnames: [${TLS_HOST}]
  rules: [{backendRefs: [{name: tls, port: 443}]}]
`;

const selectorOf = (name: string) => `gateway.networking.k8s.io/gateway-name=${name}`;

/** The status code that somebody outside the mesh gets through the gateway. */
async function statusThroughGateway(path: string): Promise<number> {
  // The node has no name server of the cluster's.
  const ip = await shell(`kubectl -n ${INGRESS} get service public-istio -o jsonpath='{.spec.clusterIP}'`);
  return (await fetch(`http://${ip}${path}`, { signal: AbortSignal.timeout(5000) })).status;
}

/** As before this file, also when an earlier run ended in its middle. The CRDs would show in other tests. */
async function leaveNothing(): Promise<void> {
  // Before its namespace: istiod restores what it made for a Gateway.
  await tryShell(`kubectl -n ${INGRESS} delete gateways.gateway.networking.k8s.io --all --timeout=60s`);
  for (const namespace of [APPLICATION, INGRESS]) {
    if (await namespaceExists(namespace)) await deleteNamespace(namespace);
  }
  const gatewayCrd = "kubectl get crd gateways.gateway.networking.k8s.io --ignore-not-found -o name";
  if ((await shell(gatewayCrd)) !== "") {
    await shell(`kubectl delete -f '${CRDS}' --ignore-not-found --wait --timeout=120s`);
    // One that saw its GatewayClass go with the CRD might not make it again when the CRDs come back.
    await shell("kubectl -n istio-system rollout restart deployment/istiod");
    await shell("kubectl -n istio-system rollout status deployment/istiod --timeout=120s");
    await istiodAnswers();
  }
  // With the ConfigMap, if a test was ended before it came back.
  await upgrade([]);
}

beforeAll(async () => {
  await requireInstalled();
  await leaveNothing();
  await shell(`kubectl apply --server-side -f '${CRDS}'`);
  await createNamespace(INGRESS, { meshed: true });
  await createNamespace(APPLICATION, { meshed: true });
  writeFileSync(join(USER_DIR, "gateway-api.yaml"), stringify(VALUES));
  await shell(
    `helm template istio-teleport '${REPOSITORY}/chart' -f values.yaml -f gateway-api.yaml --show-only templates/graph/applications.yaml | kubectl apply -f -`,
    { cwd: USER_DIR },
  );
  await shell("kubectl apply -f -", { input: Object.keys(PATHS).map(service).join("") });
  for (const name of Object.keys(PATHS)) await untilReady(APPLICATION, `app=${name}`, 90);
  // istiod makes it as soon as it sees the CRDs.
  await until("istiod makes its GatewayClass", 90, async () => {
    await shell("kubectl get gatewayclass istio");
    return true;
  });
});

afterAll(leaveNothing);

describe("a gateway of the Kubernetes Gateway API", () => {
  it("is Ready, with a certificate of Teleport's for its own service account", async () => {
    await shell("kubectl apply -f -", { input: `${gateway("public")}---${ROUTE}` });
    await untilReady(INGRESS, selectorOf("public"), 120);
    const secret = JSON.parse(await shell(`istioctl proxy-config secret deploy/public-istio.${INGRESS} -o json`)) as {
      dynamicActiveSecrets: {
        name: string;
        secret: { tlsCertificate?: { certificateChain: { inlineBytes: string } } };
      }[];
    };
    const chain = secret.dynamicActiveSecrets.find(({ name }) => name === "default")?.secret.tlsCertificate
      ?.certificateChain.inlineBytes;
    const issuers = await Issuers.read();
    expect(issuers.identityOf(Buffer.from(chain ?? "", "base64"))).toMatchObject({
      issuer: "teleport",
      spiffeId: GATEWAY_ID,
      valid: true,
    });
  });

  it("leads to the service that names it as a caller, which sees the gateway's SPIFFE ID on the wire", async () => {
    const since = new Date();
    await until("the server answers through the gateway", 90, async () => {
      return (await statusThroughGateway(PATHS.server)) === 200;
    });
    const line = await until("the server's access log has the request", 30, async () =>
      (await accessLog(APPLICATION, since)).find(
        (each) =>
          each.service_account === "server" &&
          each.upstream_cluster?.startsWith("inbound|") &&
          Number(each.response_code) === 200,
      ),
    );
    expect(line.peer_uri_san).toBe(GATEWAY_ID);
  });

  it("passes TLS on by a TLSRoute, to the service that names it as a caller; the certificate is the service's own", async () => {
    await shell("kubectl apply -f -", { input: TLS_SERVER });
    await untilReady(APPLICATION, "app=tls", 90);
    const ip = await shell(`kubectl -n ${INGRESS} get service public-istio -o jsonpath='{.spec.clusterIP}'`);
    const presented = await until("the server presents itself through the gateway", 60, async () => {
      const line = `openssl s_client -connect ${ip}:443 -servername ${TLS_HOST} < /dev/null`;
      const { stdout } = await tryShell(line);
      return /subject=.*/.exec(stdout)?.[0];
    });
    expect(presented).toMatch(/CN ?= ?tls\.example\.com/);
  });

  it("passes nothing on when the service does not name the gateway any more", async () => {
    await shell(`kubectl -n ${APPLICATION} delete authorizationpolicy allow-tls`);
    const ip = await shell(`kubectl -n ${INGRESS} get service public-istio -o jsonpath='{.spec.clusterIP}'`);
    await until("the deny-all of the namespace ends the connection", 60, async () => {
      const { stdout } = await tryShell(`openssl s_client -connect ${ip}:443 -servername ${TLS_HOST} < /dev/null`);
      return !/subject=/.test(stdout);
    });
  });

  it("is refused by the service beside it, which does not name it", async () => {
    await until("the neighbour refuses", 60, async () => (await statusThroughGateway(PATHS.neighbour)) === 403);
    expect(await statusThroughGateway(PATHS.server)).toBe(200);
  });
});

describe("without the ConfigMap", () => {
  it("a gateway's pods are refused, and the event says what gives them the socket", async () => {
    await shell(`kubectl -n istio-system delete configmap ${CONFIG_MAP}`);
    await shell("kubectl apply -f -", { input: gateway("bare") });
    const message = await until("the ReplicaSet's pods are refused", 90, async () => {
      const { items } = JSON.parse(
        await shell(`kubectl -n ${INGRESS} get events --field-selector reason=FailedCreate -o json`),
      ) as { items: { message: string; involvedObject: { name: string } }[] };
      return items.find(({ involvedObject }) => involvedObject.name.startsWith("bare-istio"))?.message;
    });
    expect(message).toMatch(/does not mount (tbot's socket directory|a volume of the CSI driver)/);
    expect(message).toContain(`ConfigMap ${CONFIG_MAP} in the namespace istio-system`);
    expect(await livePods(INGRESS, selectorOf("bare"))).toEqual([]);
  });

  it("a gateway gets the mount from a ConfigMap of its own, as docs/operate/migration.md has it", async () => {
    const document = readFileSync(join(REPOSITORY, "docs", "operate", "migration.md"), "utf8");
    const [, objects] = /\n## Gateways of the Kubernetes Gateway API\n.*?```yaml\n(.*?)```/s.exec(document) ?? [];
    const input = objects
      ?.replaceAll("namespace: ingress", `namespace: ${INGRESS}`)
      .replaceAll("name: public", "name: own")
      // As the paragraph before it says.
      .replace(/hostPath: \{.*\}/, (volume) => (THROUGH_CSI ? "csi: {driver: csi.spiffe.io, readOnly: true}" : volume));
    await shell("kubectl apply -f -", { input: input ?? "" });
    await untilReady(INGRESS, selectorOf("own"), 120);
  });

  it("becomes Ready by itself when the chart's next upgrade brings it back", async () => {
    await upgrade([]);
    await untilReady(INGRESS, selectorOf("bare"), 120);
  });
});
