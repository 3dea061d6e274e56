import { startNodeDaemon } from "../cluster/node-daemons.ts";
import { shell } from "../cluster/shell.ts";
import { USER_DIR } from "../installation/installation.ts";
import {
  admissionAudits,
  admissionDenies,
  apply,
  applyMeshed,
  type Curable,
  editConfigMap,
  istiodSigns,
  MESHED,
  OUTSIDE,
  pod,
  RESTART_TBOT,
  RESTORE_CHART,
  restoreConfigMap,
  type Situation,
  sleeper,
  start,
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

/** What istiod injects, and what is about tbot's socket directory. */
export const INJECTION_CASES: readonly Curable[] = [
  {
    id: "injection-template",
    how: "our template is not among istiod's default ones",
    break: editConfigMap(
      "istio-system",
      "istio-sidecar-injector",
      "s/(defaultTemplates:\\\\n- sidecar\\\\n)- teleport\\\\n/\\1/",
    ),
    heal: restoreConfigMap("istio-system", "istio-sidecar-injector"),
    evidence: "is not among the defaultTemplates",
  },
  {
    id: "socket-path",
    how: "another file name of the socket in tbot.yaml",
    break: editConfigMap("teleport-system", "tbot", "s#sockets/socket#sockets/workload.sock#"),
    heal: restoreConfigMap("teleport-system", "tbot"),
    evidence: "tbot's socket is called workload.sock",
  },
];

/** Of a namespace and of istiod, while no pod starts. */
export const NAMESPACE_CASES: readonly Curable[] = [
  {
    id: "pod-security",
    how: "a meshed namespace at `baseline`",
    break: `kubectl label namespace ${MESHED} pod-security.kubernetes.io/enforce=baseline`,
    heal: `kubectl label namespace ${MESHED} pod-security.kubernetes.io/enforce-`,
    evidence: "it enforces baseline",
  },
  {
    id: "csi-driver",
    how: "istiod injects volumes of a CSI driver that the chart did not install",
    break: editConfigMap(
      "istio-system",
      "istio-sidecar-injector",
      `s#hostPath:(\\\\n +)path: [^ ]*/run/spire/sockets[^ ]*\\\\n +type: DirectoryOrCreate#csi:\\1driver: csi.spiffe.io\\1readOnly: true#`,
    ),
    heal: restoreConfigMap("istio-system", "istio-sidecar-injector"),
    evidence: "its template mounts a volume of the CSI driver csi.spiffe.io",
    also: ["admission-policy"],
  },
];

/** Pods, and workloads that have none. */
export const POD_CASES: readonly Curable[] = [
  {
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
  },
  {
    id: "pod-creation",
    how: "a Deployment whose pods choose Istio's own template; then a Job that exceeds a quota",
    break: [
      apply({
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
      }),
      // Of pods with a deadline only.
      apply({
        apiVersion: "v1",
        kind: "ResourceQuota",
        metadata: { name: "none", namespace: MESHED },
        spec: { hard: { pods: "0" }, scopes: ["Terminating"] },
      }),
      apply({
        apiVersion: "batch/v1",
        kind: "Job",
        metadata: { name: "too-many", namespace: MESHED },
        spec: { template: { spec: { activeDeadlineSeconds: 600, restartPolicy: "Never", containers: [sleeper()] } } },
      }),
      `kubectl -n ${MESHED} wait --for=condition=ReplicaFailure deployment/refused --timeout=60s`,
    ].join("\n"),
    heal: `kubectl -n ${MESHED} delete deployment/refused job/too-many resourcequota/none --cascade=foreground --wait`,
    evidence: /^Deployment doctor\/refused: its pods are refused: .*istio-teleport-workload-identity/,
    beside: [/^Job doctor\/too-many: its pods are refused: .*exceeded quota: none/],
  },
  {
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
  },
];

/** Pods that come about while nothing is refused (fail-closed layer c is off), and in the end istiod's own certificates (b, too). */
export const ADMISSION_SITUATION: Situation = {
  phases: [
    [
      {
        id: "pod-restart",
        how: "a pod with a hostPath that was created while admission was off",
        break: `${admissionAudits} && { ${applyMeshed(
          pod(
            "older",
            {
              containers: [sleeper({ volumeMounts: [{ name: "logs", mountPath: "/logs", readOnly: true }] })],
              volumes: [{ name: "logs", hostPath: { path: "/var/log" } }],
            },
            { namespace: MESHED },
          ),
        )}\n} && ${admissionDenies}`,
        evidence: "it mounts the hostPath /var/log, which is not allowed",
      },
    ],
    [
      {
        id: "admission-policy",
        how: "the admission policy's binding audits only",
        break: admissionAudits,
        evidence: "does not deny",
      },
      {
        id: "proxy-mount",
        how: "a pod that was injected before the template, while admission is off",
        break: apply(pod("early", { containers: [sleeper(), sleeper({ name: "istio-proxy" })] })),
        evidence: "it was injected before istiod had the template",
        also: ["proxy-certificate"],
      },
      {
        id: "gateway-mount",
        how: "a gateway with its own template alone, while admission is off",
        break: apply(pod("gateway", { containers: [sleeper({ name: "istio-proxy" })] })),
        evidence: "its proxy does not mount",
        also: ["proxy-certificate"],
      },
      {
        id: "opted-out",
        how: "a pod that chooses Istio's own template, while admission is off",
        break: start("chosen", { "inject.istio.io/templates": "sidecar" }),
        evidence: 'its annotation inject.istio.io/templates is "sidecar"',
      },
    ],
    [
      {
        id: "proxy-issuer",
        how: "the same pod, while istiod may sign certificates of a day (layers b and c are off)",
        break: istiodSigns("24h"),
        evidence: "it was signed by istiod's CA",
        also: ["admission-policy", "proxy-mount", "gateway-mount", "opted-out", "trust-roots", "proxy-certificate"],
      },
      {
        id: "istiod-ca",
        how: "istiod may sign certificates of a day (fail-closed layer b is off)",
        break: "true",
        evidence: "it does not set MAX_WORKLOAD_CERT_TTL to 1ms",
      },
    ],
  ],
  heal: [
    `kubectl -n ${OUTSIDE} delete pod early gateway --ignore-not-found --wait`,
    `kubectl -n ${MESHED} delete pod older chosen --ignore-not-found --wait`,
    admissionDenies,
    istiodSigns("1ms"),
  ],
};

/** What tbot finds out about who asks at its socket. */
export const ATTESTATION_SITUATION: Situation = {
  phases: [
    [
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
    ],
    [
      {
        id: "kubelet-rights",
        how: "tbot's ClusterRoleBinding is deleted",
        break: "kubectl delete clusterrolebinding istio-teleport-tbot",
        evidence: "neither nodes/pods nor nodes/proxy",
      },
      {
        id: "attestation",
        how: "tbot's ClusterRoleBinding is deleted, and a pod starts",
        break: async () => {
          // A kubelet remembers for 5 minutes what was allowed, this one no longer. tbot's log must not tell of the other fault.
          await startOwnKubelet();
          await shell(RESTART_TBOT);
        },
        evidence: /tbot's log, \d+ times?: /,
        also: ["proxy-certificate"],
        // From 35 s after tbot is back.
        perhaps: ["proxy-stream"],
      },
    ],
  ],
  heal: [
    startOwnKubelet,
    `${RESTORE_CHART} && ${RESTART_TBOT} && kubectl -n ${MESHED} delete pod new --ignore-not-found --wait`,
  ],
};

async function startOwnKubelet(): Promise<void> {
  await startNodeDaemon("kube-apiserver");
  await startNodeDaemon("kubelet");
}
