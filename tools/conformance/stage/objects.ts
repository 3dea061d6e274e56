import { principalOf } from "../../base/spiffe-id.ts";
import type { Stage } from "./stage.ts";

/** Port of the server's container, and of every call that goes to its pod. */
export const SERVER_PORT = 8080;

export type ClientName = "allowed-client" | "other-client" | "plaintext-client";

/** Names of those that are in the mesh, which are also those of their ServiceAccounts. */
export const MESHED = ["server", "allowed-client", "other-client"] as const;

/** Names of all pods of the stage. */
export const ALL_PODS = [...MESHED, "plaintext-client"] as const;

/** By this label namespaces are found that a run could not take away: `kubectl get namespaces -l`. */
const LABELS = { "app.kubernetes.io/name": "istio-teleport-test", "app.kubernetes.io/part-of": "istio-teleport" };

type Setting = Pick<Stage, "namespace" | "mesh" | "images">;

/** The namespace, injected by the mesh's revision; Istio's init container is more than Pod Security's lower levels allow. */
export function namespaceObject({ namespace, mesh }: Setting): object {
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: namespace,
      labels: { ...LABELS, "istio.io/rev": mesh.revision, "pod-security.kubernetes.io/enforce": "privileged" },
    },
  };
}

/** What is in it, policies first: no pod is to start without them. */
export function stageObjects(setting: Setting): object {
  const items = [
    ...policies(setting),
    ...ALL_PODS.map((name) => serviceAccount(setting, name)),
    service(setting),
    serverPod(setting),
    clientPod(setting, "allowed-client"),
    clientPod(setting, "other-client"),
    clientPod(setting, "plaintext-client", { labels: { "sidecar.istio.io/inject": "false" } }),
  ];
  return { apiVersion: "v1", kind: "List", items };
}

function policies({ namespace, mesh }: Setting): object[] {
  const policy = (name: string, spec: object) => ({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name, namespace },
    spec,
  });
  const allowed = principalOf(mesh.trustDomain, namespace, "allowed-client");
  return [
    policy("deny-all", {}),
    policy("server", {
      selector: { matchLabels: { "app.kubernetes.io/name": "server" } },
      action: "ALLOW",
      rules: [
        {
          from: [{ source: { principals: [allowed] } }],
          to: [{ operation: { ports: [String(SERVER_PORT)] } }],
        },
      ],
    }),
  ];
}

function serviceAccount({ namespace }: Setting, name: string): object {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace },
    automountServiceAccountToken: false,
  };
}

function service({ namespace }: Setting): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "server", namespace },
    spec: {
      selector: { "app.kubernetes.io/name": "server" },
      ports: [{ name: "http", port: 80, targetPort: SERVER_PORT }],
    },
  };
}

/** How a pod differs from an ordinary one of the stage. */
interface Difference {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  volumes?: object[];
  volumeMounts?: object[];
}

function serverPod(setting: Setting): object {
  return pod(setting, "server", {}, "server", {
    image: setting.images.server,
    ports: [{ name: "http", containerPort: SERVER_PORT }],
    readinessProbe: { httpGet: { path: "/headers", port: "http" } },
  });
}

/** A pod that can call the server by curl, with the ServiceAccount of a client. */
export function clientPod(
  setting: Setting,
  account: ClientName,
  difference: Difference = {},
  name: string = account,
): object {
  return pod(setting, account, difference, name, {
    image: setting.images.client,
    command: ["sleep", "infinity"],
    ...(difference.volumeMounts !== undefined && { volumeMounts: difference.volumeMounts }),
  });
}

function pod(
  { namespace, mesh }: Setting,
  account: string,
  { labels = {}, annotations = {}, volumes = [] }: Difference,
  name: string,
  container: object,
): object {
  const chosen = mesh.template === undefined ? {} : { "inject.istio.io/templates": `sidecar,${mesh.template}` };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace,
      labels: { ...LABELS, "app.kubernetes.io/name": name, ...labels },
      annotations: { ...chosen, ...annotations },
    },
    spec: {
      serviceAccountName: account,
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      containers: [{ name: "app", imagePullPolicy: "IfNotPresent", ...container, ...SMALL_AND_SAFE }],
      volumes,
    },
  };
}

const SMALL_AND_SAFE = {
  resources: { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } },
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 65532,
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  },
};
