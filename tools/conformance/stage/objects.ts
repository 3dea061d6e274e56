import { principalOf } from "../../base/spiffe-id.ts";
import { CALLERS, SERVICES, type ServiceName } from "./callers.ts";
import { clientPod, LABELS, type PodSetting, SERVER_PORT, servicePod } from "./pod-objects.ts";
import type { Stage } from "./stage.ts";

type Setting = PodSetting & Pick<Stage, "nodes">;

/**
 * The namespace, injected by the mesh's revision. Where sidecars mount the socket by CSI and istio-cni does istio-init's
 * work, its pods are such as Pod Security's highest level allows; a hostPath and istio-init are more than its lower ones do.
 */
export function namespaceObject({ namespace, mesh }: Pick<Setting, "namespace" | "mesh">): object {
  const level = "driver" in mesh.socketVolume && mesh.istioCni ? "restricted" : "privileged";
  return {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: {
      name: namespace,
      labels: { ...LABELS, "istio.io/rev": mesh.revision, "pod-security.kubernetes.io/enforce": level },
    },
  };
}

/**
 * What is in it, policies first: no pod is to start without them.
 *
 * @param pullSecret the Secret by which images are pulled, if there is one
 */
export function stageObjects(setting: Setting, pullSecret?: object): object {
  const items = [
    ...policies(setting),
    ...(pullSecret === undefined ? [] : [pullSecret]),
    ...[...SERVICES, "plaintext-client"].map((name) => serviceAccount(setting, name)),
    ...SERVICES.map((name) => service(setting, name)),
    ...SERVICES.map((name) => servicePod(setting, name)),
    clientPod(setting, "plaintext-client", { labels: { "sidecar.istio.io/inject": "false" } }),
    ...nodePods(setting).map(({ node, pod }) => clientPod(setting, "allowed-client", { node }, pod)),
  ];
  return { apiVersion: "v1", kind: "List", items };
}

/** The client that each chosen node gets. Names of nodes may be longer than those of pods. */
export function nodePods({ nodes }: Pick<Setting, "nodes">): { node: string; pod: string }[] {
  return nodes.names.map((node, index) => ({ node, pod: `node-client-${index + 1}` }));
}

/** As the chart makes them of a graph: deny all, and allow each service its callers. */
function policies({ namespace, mesh }: Setting): object[] {
  const policy = (name: string, spec: object) => ({
    apiVersion: "security.istio.io/v1",
    kind: "AuthorizationPolicy",
    metadata: { name, namespace },
    spec,
  });
  const allow = (name: ServiceName) => ({
    selector: { matchLabels: { "app.kubernetes.io/name": name } },
    action: "ALLOW",
    rules: [
      {
        from: [
          { source: { principals: CALLERS[name].map((caller) => principalOf(mesh.trustDomain, namespace, caller)) } },
        ],
        to: [{ operation: { ports: [String(SERVER_PORT)] } }],
      },
    ],
  });
  const called = SERVICES.filter((name) => CALLERS[name].length > 0);
  return [policy("deny-all", {}), ...called.map((name) => policy(name, allow(name)))];
}

function serviceAccount({ namespace }: Setting, name: string): object {
  return {
    apiVersion: "v1",
    kind: "ServiceAccount",
    metadata: { name, namespace },
    automountServiceAccountToken: false,
  };
}

function service({ namespace }: Setting, name: ServiceName): object {
  return {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: {
      selector: { "app.kubernetes.io/name": name },
      ports: [{ name: "http", port: 80, targetPort: SERVER_PORT }],
    },
  };
}
