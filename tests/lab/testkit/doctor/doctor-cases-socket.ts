import { startNodeDaemon } from "../cluster/node-daemons.ts";
import { shell } from "../cluster/shell.ts";
import { USER_DIR } from "../installation/installation.ts";
import {
  alone,
  apply,
  applyMeshed,
  BINDING,
  deleteBinding,
  editConfigMap,
  MESHED,
  OUTSIDE,
  pod,
  RESTART_TBOT,
  RESTORE_CHART,
  restoreConfigMap,
  type Situation,
  sleeper,
} from "./doctor-case.ts";

/**
 * Kubelets as kubeadm has them: each serves with a certificate that it signs itself, and the API server takes it as it is.
 * Without the latter nobody could read tbot's log, which says what tbot makes of it.
 */
async function selfSignedKubelet(): Promise<void> {
  await startNodeDaemon("kube-apiserver", (flags) =>
    flags.filter((flag) => !flag.startsWith("--kubelet-certificate-authority")),
  );
  await startNodeDaemon("kubelet", (flags) => [
    ...flags,
    "--tls-cert-file=",
    "--tls-private-key-file=",
    `--cert-dir=${USER_DIR}/self-signed-kubelet`,
  ]);
}

/** The way to tbot's socket, and what tbot finds out about who asks there. */
export const SOCKET_SITUATIONS: readonly Situation[] = [
  alone({
    id: "injection-template",
    how: "our template is not among istiod's default ones",
    break: editConfigMap(
      "istio-system",
      "istio-sidecar-injector",
      "s/(defaultTemplates:\\\\n- sidecar\\\\n)- teleport\\\\n/\\1/",
    ),
    heal: restoreConfigMap,
    evidence: "is not among the defaultTemplates",
  }),
  alone({
    id: "socket-path",
    how: "another file name of the socket in tbot.yaml",
    break: editConfigMap("teleport-system", "tbot", "s#sockets/socket#sockets/workload.sock#"),
    heal: restoreConfigMap,
    evidence: "tbot's socket is called workload.sock",
  }),
  alone({
    id: "proxy-mount",
    how: "a pod that was injected before the template, while admission is off",
    break: `${deleteBinding} && ${apply(pod("early", { containers: [sleeper(), sleeper({ name: "istio-proxy" })] }))}`,
    heal: `kubectl -n ${OUTSIDE} delete pod early --wait; ${RESTORE_CHART}`,
    evidence: "it was injected before istiod had the template",
    also: ["admission-policy", "proxy-certificate"],
  }),
  alone({
    id: "gateway-mount",
    how: "a gateway with its own template alone, while admission is off",
    break: `${deleteBinding} && ${apply(pod("gateway", { containers: [sleeper({ name: "istio-proxy" })] }))}`,
    heal: `kubectl -n ${OUTSIDE} delete pod gateway --wait; ${RESTORE_CHART}`,
    evidence: "its proxy does not mount",
    also: ["admission-policy", "proxy-certificate"],
  }),
  alone({
    id: "socket-writers",
    how: "another issuer's agent mounts the socket directory",
    break: apply(
      pod("agent", {
        containers: [sleeper({ volumeMounts: [{ name: "sockets", mountPath: "/sockets" }] })],
        volumes: [{ name: "sockets", hostPath: { path: "/var/run/spire/sockets" } }],
      }),
    ),
    heal: `kubectl -n ${OUTSIDE} delete pod agent --wait`,
    evidence: "it mounts /var/run/spire/sockets writable",
  }),
  alone({
    id: "admission-policy",
    how: "the admission policy's binding audits only",
    break: `kubectl patch ${BINDING} --type=merge -p '{"spec":{"validationActions":["Audit"]}}'`,
    heal: `kubectl patch ${BINDING} --type=merge -p '{"spec":{"validationActions":["Deny"]}}'`,
    evidence: "does not deny",
  }),
  alone({
    id: "pod-security",
    how: "a meshed namespace at `baseline`",
    break: `kubectl label namespace ${MESHED} pod-security.kubernetes.io/enforce=baseline`,
    heal: `kubectl label namespace ${MESHED} pod-security.kubernetes.io/enforce-`,
    evidence: "it enforces baseline",
  }),
  alone({
    id: "csi-driver",
    how: "istiod injects volumes of a CSI driver that the chart did not install",
    break: editConfigMap(
      "istio-system",
      "istio-sidecar-injector",
      `s#hostPath:(\\\\n +)path: [^ ]*/run/spire/sockets[^ ]*\\\\n +type: DirectoryOrCreate#csi:\\1driver: csi.spiffe.io\\1readOnly: true#`,
    ),
    heal: restoreConfigMap,
    evidence: "its template mounts a volume of the CSI driver csi.spiffe.io",
    also: ["admission-policy"],
  }),
  alone({
    id: "pod-creation",
    how: "a Deployment whose pods choose Istio's own template",
    break: `${apply({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "refused", namespace: MESHED },
      spec: {
        selector: { matchLabels: { app: "refused" } },
        template: {
          metadata: { labels: { app: "refused" }, annotations: { "inject.istio.io/templates": "sidecar" } },
          spec: { containers: [sleeper()] },
        },
      },
    })}\nkubectl -n ${MESHED} wait --for=condition=ReplicaFailure deployment/refused --timeout=60s`,
    heal: `kubectl -n ${MESHED} delete deployment refused --cascade=foreground --wait`,
    evidence: /^Deployment doctor\/refused: its pods are refused: .*istio-teleport-workload-identity/,
  }),
  alone({
    id: "pod-restart",
    how: "a pod with a hostPath that was created while admission was off",
    break: `${deleteBinding} && { ${applyMeshed(
      pod(
        "older",
        {
          containers: [sleeper({ volumeMounts: [{ name: "logs", mountPath: "/logs", readOnly: true }] })],
          volumes: [{ name: "logs", hostPath: { path: "/var/log" } }],
        },
        { namespace: MESHED },
      ),
    )}\n} && ${RESTORE_CHART}`,
    heal: `kubectl -n ${MESHED} delete pod older --ignore-not-found --wait; ${RESTORE_CHART}`,
    evidence: "it mounts the hostPath /var/log, which is not allowed",
  }),
  alone({
    id: "gateway-api",
    how: "a gateway's Deployment, as istiod makes it without the chart's ConfigMap",
    break: `${apply({
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: {
        name: "public-istio",
        namespace: OUTSIDE,
        labels: { "gateway.networking.k8s.io/gateway-name": "public" },
      },
      spec: {
        selector: { matchLabels: { app: "public" } },
        template: {
          metadata: { labels: { app: "public", "sidecar.istio.io/inject": "false" } },
          spec: { containers: [sleeper({ name: "istio-proxy" })] },
        },
      },
    })}\nkubectl -n ${OUTSIDE} wait --for=condition=ReplicaFailure deployment/public-istio --timeout=60s`,
    heal: `kubectl -n ${OUTSIDE} delete deployment public-istio --wait`,
    evidence: "its pods are refused",
  }),
  alone({
    id: "kubelet-rights",
    how: "tbot's ClusterRoleBinding is deleted",
    break: "kubectl delete clusterrolebinding istio-teleport-tbot",
    heal: RESTORE_CHART,
    evidence: "neither nodes/pods nor nodes/proxy",
  }),
  {
    cases: [
      {
        id: "kubelet-certificate",
        how: "the kubelet signs its own certificate, as kubeadm leaves it, and a pod starts",
        break: async () => {
          await selfSignedKubelet();
          await shell(apply(pod("new", {}, { namespace: MESHED })));
        },
        evidence: /tbot's log: .*x509: /,
        also: ["proxy-certificate"],
      },
      {
        id: "attestation",
        how: "tbot's ClusterRoleBinding is deleted, and a pod starts",
        break: async () => {
          await startNodeDaemon("kube-apiserver");
          await startNodeDaemon("kubelet");
          // The kubelet remembers what it was allowed for 5 minutes; a new pod of tbot has a token that it has not seen.
          await shell(`kubectl delete clusterrolebinding istio-teleport-tbot && sleep 12 && ${RESTART_TBOT}`);
        },
        evidence: /tbot's log, \d+ times?: /,
        also: ["kubelet-rights", "proxy-certificate"],
        // From 35 s after tbot is back.
        perhaps: ["proxy-stream"],
      },
    ],
    heal: async () => {
      await startNodeDaemon("kube-apiserver");
      await startNodeDaemon("kubelet");
      await shell(
        `${RESTORE_CHART} && ${RESTART_TBOT} && kubectl -n ${MESHED} delete pod new --ignore-not-found --wait`,
      );
    },
  },
];
