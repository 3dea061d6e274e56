import type { ClientName, ServiceName } from "./callers.ts";
import type { Stage } from "./stage.ts";

/** Port of the servers' containers, and of every call that goes to a pod. */
export const SERVER_PORT = 8080;

/** By this label namespaces are found that a run could not take away: `kubectl get namespaces -l`. */
export const LABELS = {
  "app.kubernetes.io/name": "istio-teleport-test",
  "app.kubernetes.io/part-of": "istio-teleport",
};

export type PodSetting = Pick<Stage, "namespace" | "mesh" | "images" | "imagePullSecret">;

/** How a pod differs from an ordinary one of the stage. */
interface Difference {
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
  volumes?: object[];
  volumeMounts?: object[];
  /** The one node that it may run on. */
  node?: string;
}

/** A pod that answers on its port and calls others by curl. */
export function servicePod(setting: PodSetting, name: ServiceName, difference: Difference = {}): object {
  const server = {
    name: "server",
    image: setting.images.server,
    ports: [{ name: "http", containerPort: SERVER_PORT }],
    readinessProbe: { httpGet: { path: "/headers", port: "http" } },
  };
  return pod(setting, name, difference, name, [client(setting), server]);
}

/** A pod that can call by curl, with the ServiceAccount of a client. */
export function clientPod(
  setting: PodSetting,
  account: ClientName,
  difference: Difference = {},
  name: string = account,
): object {
  return pod(setting, account, difference, name, [client(setting, difference.volumeMounts)]);
}

function client({ images }: PodSetting, volumeMounts?: object[]): object {
  return {
    name: "app",
    image: images.client,
    command: ["sleep", "infinity"],
    ...(volumeMounts !== undefined && { volumeMounts }),
  };
}

function pod(
  { namespace, mesh, imagePullSecret }: PodSetting,
  account: string,
  { labels = {}, annotations = {}, volumes = [], node }: Difference,
  name: string,
  containers: object[],
): object {
  const chosen = mesh.scope.kind === "pod" ? { "inject.istio.io/templates": `sidecar,${mesh.scope.template}` } : {};
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
      ...(imagePullSecret !== undefined && { imagePullSecrets: [{ name: imagePullSecret }] }),
      ...(node !== undefined && { affinity: onlyOn(node) }),
      containers: containers.map((container) => ({
        imagePullPolicy: "IfNotPresent",
        ...container,
        resources: SMALL,
        securityContext: safe(mesh),
      })),
      volumes,
    },
  };
}

/** By affinity and not by nodeName, which would pass the scheduler by and its look at the node's room. */
function onlyOn(node: string): object {
  const matchFields = [{ key: "metadata.name", operator: "In", values: [node] }];
  return { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchFields }] } } };
}

const SMALL = { requests: { cpu: "10m", memory: "32Mi" }, limits: { memory: "128Mi" } };

/** As Pod Security asks for at the level restricted; OpenShift chooses the user itself and refuses any other. */
export function safe({ openShift }: { openShift: boolean }): object {
  return {
    runAsNonRoot: true,
    ...(!openShift && { runAsUser: 65532 }),
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    capabilities: { drop: ["ALL"] },
    seccompProfile: { type: "RuntimeDefault" },
  };
}
